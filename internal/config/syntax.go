package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Bounds that no configuration of a person comes near. The parser needs time by the square of a file's entries,
// and a stack by its depth.
const (
	largestFile  = 256 << 10
	deepestFile  = 64
	farthestDash = 200 // the column of a list's dash: "- - - - x" nests without indentation
)

// parse reads YAML into a tree. What is not YAML is one fault, where the reading stopped; the second result tells
// whether there is a tree. Nothing but comments is a tree of null.
func parse(data []byte, place promotion.Where, fs *faults) (root *node, usable bool) {
	defer func() {
		if cause := recover(); cause != nil {
			place.Line, place.Column = 0, 0
			fs.add(promotion.Fault{Where: place, What: "this cannot be read as YAML", Detail: clip(fmt.Sprint(cause))})
			root, usable = nil, false
		}
	}()
	text, f := clean(data)
	if f == nil {
		f = tooDeep(text)
	}
	if f == nil {
		var docs []ast.Node
		if docs, f = documents(text); f == nil {
			p := &planter{faults: fs, place: place, anchors: map[string]*node{}}
			if len(docs) == 0 {
				return p.plant(nil), true
			}
			return p.plant(docs[0]), true
		}
	}
	f.Where.File, f.Where.Input = place.File, place.Input
	fs.add(*f)
	return nil, false
}

// clean takes away what editors add (a byte order mark, carriage returns) and refuses what is no text.
func clean(data []byte) (string, *promotion.Fault) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return "", &promotion.Fault{What: "the text is encoded as UTF-16", Accepted: "UTF-8", Hint: "save it as UTF-8"}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > largestFile {
		return "", &promotion.Fault{What: fmt.Sprintf("the text has %d KiB", len(data)>>10), Accepted: fmt.Sprintf("up to %d KiB", largestFile>>10)}
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	line, column := 1, 1
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		where := promotion.Where{Line: line, Column: column}
		switch {
		case r == utf8.RuneError && size == 1:
			return "", &promotion.Fault{Where: where, What: fmt.Sprintf("byte 0x%02x is not UTF-8", text[at]), Accepted: "UTF-8", Hint: "save the file as UTF-8"}
		case r == '\n':
			line, column = line+1, 0
		case r < ' ' && r != '\t', r == 0x7f:
			return "", &promotion.Fault{Where: where, What: fmt.Sprintf("the control character %U has no place in YAML", r), Hint: `write it as an escape in double quotes, such as "\u0007"`}
		}
		at += size
		column++
	}
	return text, nil
}

// tooDeep refuses text that would make the parser recurse without end. Brackets are counted before anything else
// reads the text.
func tooDeep(text string) *promotion.Fault {
	f := &promotion.Fault{What: "the text is nested too deeply", Accepted: fmt.Sprintf("up to %d levels", deepestFile)}
	open := 0
	for _, r := range text {
		switch r {
		case '[', '{':
			if open++; open > 100*deepestFile {
				return f
			}
		case ']', '}':
			open--
		}
	}
	depth := 0
	for _, tk := range lexer.Tokenize(text) {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if tk.Position.Column > farthestDash {
				depth = deepestFile + 1
			}
		}
		if depth > deepestFile {
			f.Where = promotion.Where{Line: tk.Position.Line, Column: tk.Position.Column}
			return f
		}
	}
	return nil
}

// documents gives the text's documents that hold anything: none or one.
func documents(text string) ([]ast.Node, *promotion.Fault) {
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(err, text)
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if _, directive := d.Body.(*ast.DirectiveNode); !directive {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) > 1 {
		at := docs[1].GetToken().Position
		return nil, &promotion.Fault{Where: promotion.Where{Line: at.Line, Column: 1}, What: "a second document begins before this line",
			Accepted: "one document", Hint: "take the line --- out"}
	}
	return docs, nil
}

// syntaxFault says in our words what the parser stumbled over, with the remedy for the slips that people make.
func syntaxFault(err error, text string) *promotion.Fault {
	positioned, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	})
	if !ok || positioned.GetToken() == nil || positioned.GetToken().Position == nil {
		return &promotion.Fault{What: "this is not YAML", Detail: clip(err.Error())}
	}
	at := positioned.GetToken().Position
	f := &promotion.Fault{Where: promotion.Where{Line: at.Line, Column: at.Column}}
	line := ""
	if lines := strings.Split(text, "\n"); at.Line >= 1 && at.Line <= len(lines) {
		line = lines[at.Line-1]
	}
	message := positioned.GetMessage()
	says := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case strings.Contains(line, ": {{") || strings.Contains(line, "- {{"):
		f.What, f.Hint = "text that begins with {{ is read as a mapping", "put it in quotes, as in \"{{.Commit}}\""
	case says(`character '\t'`) || says("tab character") || strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		f.What, f.Hint = "a tab stands where YAML wants spaces", "indent by spaces"
	case says("must be specified"):
		f.What, f.Hint = "a comma or a closing bracket is missing here", "close what is open, or put text that holds brackets in quotes"
	case says("sequence end token"):
		f.What, f.Hint = "the list that begins with [ has no ]", "close it, or put the text in quotes"
	case says("could not find flow map content"), says("could not find flow mapping end"), says("map end"), says("flow mapping"):
		f.What, f.Hint = "the mapping that begins with { is not well formed", "separate its entries by single commas and close it with }, or put the text in quotes"
	case says("could not find end character"):
		f.What, f.Hint = "the quotes that begin here are not closed", "close them on the same line"
	case says("escape character"):
		f.What, f.Hint = "the backslash here begins no escape that YAML knows", "put the text in single quotes, or double the backslash"
	case says("mapping value is not allowed"):
		f.What, f.Hint = `": " stands where no key can begin`, `put text that holds ": " in quotes, and let the keys of one mapping begin in the same column`
	case says("map key-value is pre-defined"):
		f.What, f.Hint = "this does not belong to the value before it", "put the whole value in one pair of quotes, and let the keys of one mapping begin in the same column"
	case says("reserved character"), says("unexpected directive"):
		f.What, f.Hint = fmt.Sprintf("plain text cannot begin with %q", firstOf(line, at.Column)), "put it in quotes"
	case says("block sequence entries are not allowed"):
		f.What, f.Hint = `a list's "- " has to begin a line of its own`, "put text that begins with \"- \" in quotes"
	case says("value is not allowed in this context"):
		f.What, f.Hint = "this line does not fit those before it", "let the entries of one mapping or list begin in the same column"
	default:
		f.What, f.Detail = "this is not YAML", clip(message)
	}
	return f
}

func firstOf(line string, column int) string {
	if r := []rune(line); column >= 1 && column <= len(r) {
		return string(r[column-1])
	}
	return ""
}
