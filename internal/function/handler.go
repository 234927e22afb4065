package function

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Fits tells what Lambda would only find out when the function is invoked, or by refusing the upload: an archive for
// a function of container images, and an archive without its handler's file. It reads local archives only. Upload
// does it too, before anything is sent.
func (a *Account) Fits(ctx context.Context, name string, p promotion.Package, latest promotion.Snapshot) error {
	isImage, wantsImage := p.Kind == promotion.ArtifactImage, latest.Configuration["PackageType"] == string(types.PackageTypeImage)
	switch {
	case isImage && !wantsImage:
		return fault("give it a zip archive, or create the function anew from an image: Lambda does not change a function's package type",
			"%s takes a zip archive, and %s is a container image", name, p.Origin)
	case !isImage && wantsImage && p.Kind != "":
		return fault("give it an image, or create the function anew from an archive: Lambda does not change a function's package type",
			"%s takes a container image, and %s is a zip archive", name, p.Origin)
	case latest.Configuration["Layers"] != "": // a layer may hold the handler, or a wrapper that finds it elsewhere
		return nil
	}
	files, release, err := a.files(p)
	if files == nil || err != nil {
		return err
	}
	defer release()
	return handled(files, name, p.Origin, latest.Configuration)
}

// files are those of a local archive or directory; nil for what is elsewhere.
func (a *Account) files(p promotion.Package) (fs.FS, func(), error) {
	switch p.Kind {
	case promotion.ArtifactZip:
		file, err := a.openFile(p.Path)
		if err != nil {
			return nil, nil, err
		}
		archive, err := contents(p.Path, file)
		if err != nil {
			file.Close()
			return nil, nil, err
		}
		return archive, func() { file.Close() }, nil
	case promotion.ArtifactDir:
		t, err := a.openTree(p.Path)
		if err != nil {
			return nil, nil, err
		}
		return t.root.FS(), t.close, nil
	}
	return nil, nil, nil
}

// handled checks that the files hold the function's handler. It knows the runtimes that name a file; how the others
// find their handler is not looked into.
func handled(files fs.FS, name, origin string, c promotion.Configuration) error {
	runtime, handler := c["Runtime"], c["Handler"]
	switch {
	case strings.HasPrefix(runtime, "provided"):
		return bootstrapped(files, name, origin, c["Architectures"])
	case strings.HasPrefix(runtime, "python"):
		// "pkg/mod.fn" and "pkg.mod.fn" are the same to it: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html.
		module, _, _ := cutLast(handler, ".")
		module = strings.ReplaceAll(module, ".", "/")
		if !hasModule(files, module, ".py", ".pyc", ".so") {
			return missing(name, origin, handler, module+".py")
		}
	case strings.HasPrefix(runtime, "nodejs"):
		// The first dot after the last slash ends the module: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.
		dir, base := path.Split(handler)
		base, _, _ = strings.Cut(base, ".")
		module := path.Join(dir, base)
		if !hasModule(files, module, ".js", ".mjs", ".cjs", ".node") && !exists(files, path.Join("node_modules", module)) {
			return missing(name, origin, handler, module+".js, "+base+".mjs or "+base+".cjs")
		}
	}
	return nil
}

// bootstrapped checks the program that a custom runtime starts.
func bootstrapped(files fs.FS, name, origin, architecture string) error {
	const program = "bootstrap"
	info, err := fs.Stat(files, program)
	if err != nil || info.IsDir() {
		return fault("build the program under that name, at the root of the archive: https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html",
			"%s has no file %q, which the runtime of %s starts", origin, program, name)
	}
	if info.Mode()&0o111 == 0 {
		return fault("chmod +x it before it is packed; artifacts that workflows hand on lose the bit",
			"the file %q in %s is not executable, and the runtime of %s starts it", program, origin, name)
	}
	built := machine(files, program)
	if built != "" && architecture != "" && built != architecture {
		return fault(fmt.Sprintf("build it for %s, or change the function's architecture", architecture),
			"the file %q in %s was built for %s, and %s runs on %s", program, origin, built, name, architecture)
	}
	return nil
}

// machine is Lambda's name of the architecture that an ELF program was built for; "" where it is none of them.
func machine(files fs.FS, program string) string {
	file, err := files.Open(program)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 20)
	if _, err := io.ReadFull(file, head); err != nil || string(head[:4]) != elf.ELFMAG {
		return ""
	}
	switch elf.Machine(binary.LittleEndian.Uint16(head[18:])) {
	case elf.EM_X86_64:
		return string(types.ArchitectureX8664)
	case elf.EM_AARCH64:
		return string(types.ArchitectureArm64)
	}
	return ""
}

// hasModule tells whether there is a module of that name: a file with one of the endings (perhaps behind a tag, as in
// mod.cpython-312-x86_64-linux-gnu.so), or a directory.
func hasModule(files fs.FS, module string, endings ...string) bool {
	if exists(files, module) {
		return true
	}
	siblings, err := fs.ReadDir(files, path.Dir(module))
	return err == nil && slices.ContainsFunc(siblings, func(s fs.DirEntry) bool {
		rest, ok := strings.CutPrefix(s.Name(), path.Base(module)+".")
		return ok && slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix("."+rest, e) })
	})
}

func exists(files fs.FS, name string) bool {
	_, err := fs.Stat(files, name)
	return err == nil
}

func missing(name, origin, handler, file string) error {
	return fault("the handler's path begins at the root of the archive: look for a directory too many, or too few",
		"%s has no file %s, which the handler %q of %s names", origin, file, handler, name)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
