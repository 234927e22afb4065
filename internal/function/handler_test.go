package function_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

func elfFor(machine byte) string {
	return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00" + string([]byte{machine, 0}) + "rest"
}

func TestAnArchiveHoldsItsHandlersFile(t *testing.T) {
	python := promotion.Configuration{"Runtime": "python3.13", "Handler": "app.handler"}
	node := promotion.Configuration{"Runtime": "nodejs22.x", "Handler": "index.handler"}
	custom := promotion.Configuration{"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": "arm64"}
	with := func(c promotion.Configuration, field, value string) promotion.Configuration {
		d := promotion.Configuration{field: value}
		for k, v := range c {
			if k != field {
				d[k] = v
			}
		}
		return d
	}
	for name, c := range map[string]struct {
		latest promotion.Configuration
		files  map[string]string
		want   []string // none: it fits
	}{
		"a program for the function's architecture": {custom, map[string]string{"bootstrap*": elfFor(183)}, nil},
		"a script as a program":                     {custom, map[string]string{"bootstrap*": "#!/bin/sh\n"}, nil},
		"a program under another name":              {custom, map[string]string{"main*": "x"}, []string{`no file "bootstrap"`, "at the root"}},
		"a program a directory too deep":            {custom, map[string]string{"dist/bootstrap*": "x"}, []string{`no file "bootstrap"`}},
		"a program that is not executable":          {custom, map[string]string{"bootstrap": "x"}, []string{"not executable", "chmod +x"}},
		"a program for another architecture":        {custom, map[string]string{"bootstrap*": elfFor(62)}, []string{"built for x86_64", "runs on arm64"}},
		"a program in a layer":                      {with(custom, "Layers", "arn:aws:lambda:eu-west-1:1:layer:x:1"), map[string]string{"config.json": "{}"}, nil},
		"a python module":                           {python, map[string]string{"app.py": ""}, nil},
		"a compiled python module":                  {python, map[string]string{"app.cpython-313-x86_64-linux-gnu.so": ""}, nil},
		"a python package":                          {python, map[string]string{"app/__init__.py": ""}, nil},
		"a python module by path":                   {with(python, "Handler", "src/app.handler"), map[string]string{"src/app.py": ""}, nil},
		"a python module by dots":                   {with(python, "Handler", "src.app.handler"), map[string]string{"src/app.py": ""}, nil},
		"a python module elsewhere":                 {python, map[string]string{"src/app.py": ""}, []string{"no file app.py", `"app.handler"`, "a directory too many"}},
		"a python module of a similar name":         {python, map[string]string{"app.pyx": "", "application.py": ""}, []string{"no file app.py"}},
		"a node module":                             {node, map[string]string{"index.js": ""}, nil},
		"a node ES module":                          {node, map[string]string{"index.mjs": ""}, nil},
		"a node common module":                      {node, map[string]string{"index.cjs": ""}, nil},
		"a node module by path":                     {with(node, "Handler", "dist/src/index.api.handler"), map[string]string{"dist/src/index.js": ""}, nil},
		"a node module not compiled":                {node, map[string]string{"index.ts": ""}, []string{"no file index.js, index.mjs or index.cjs"}},
		"a runtime that finds it otherwise":         {promotion.Configuration{"Runtime": "java21", "Handler": "com.example.App::handle"}, map[string]string{"lib/app.jar": ""}, nil},
		"a function of images":                      {promotion.Configuration{"PackageType": "Image"}, map[string]string{"a": ""}, []string{"takes a container image"}},
	} {
		t.Run(name, func(t *testing.T) {
			ws := t.TempDir()
			files(t, filepath.Join(ws, "dist"), c.files)
			write(t, filepath.Join(ws, "app.zip"), archived(t, c.files))
			a := offline(t, function.Options{Workspace: ws})
			for _, p := range []promotion.Package{
				{Kind: promotion.ArtifactZip, Path: "app.zip", Origin: "app.zip"},
				{Kind: promotion.ArtifactDir, Path: "dist/", Origin: "dist/"},
			} {
				err := a.Fits(t.Context(), "shop-fn", p, promotion.Snapshot{Configuration: c.latest})
				if len(c.want) == 0 {
					if err != nil {
						t.Errorf("%s: %v", p.Kind, err)
					}
					continue
				}
				contains(t, faultText(t, err), append(c.want, p.Origin, "shop-fn")...)
				// Upload looks before it sends anything; the account is offline.
				if _, uploadErr := a.Upload(t.Context(), "shop-fn", p, promotion.Snapshot{Configuration: c.latest}, quiet); uploadErr == nil || uploadErr.Error() != err.Error() {
					t.Errorf("%s: upload says %v, want %v", p.Kind, uploadErr, err)
				}
			}
		})
	}
}

func TestAnImageIsNotForAFunctionOfArchives(t *testing.T) {
	err := offline(t, function.Options{}).Fits(t.Context(), "shop-fn",
		promotion.Package{Kind: promotion.ArtifactImage, Origin: "repo:v1"},
		promotion.Snapshot{Configuration: promotion.Configuration{"PackageType": "Zip", "Runtime": "python3.13"}})
	contains(t, faultText(t, err), "shop-fn takes a zip archive", "repo:v1 is a container image", "create the function anew")
}
