package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/promote-on-success/promote/internal/promotion"
)

// jq reads a jq expression. It has to compile once its templates have values.
func (r *verifier) jq(n *node, path string, p place) promotion.Template {
	if n == nil {
		return ""
	}
	expanded, ok := r.expand(n.text, n.where, path, p)
	if !ok {
		return ""
	}
	if strings.TrimSpace(expanded) == "" {
		r.add(promotion.Fault{Where: n.where, What: path + " is empty", Accepted: jqShape("").accepted})
		return ""
	}
	if reason := compileJQ(expanded); reason != "" {
		r.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s: %s is not a jq expression", path, quote(n.text)), Detail: reason, Hint: jqHint(n.text)})
	}
	return promotion.Template(n.text)
}

// compileJQ tells why an expression does not compile, "" if it does.
func compileJQ(text string) string {
	query, err := gojq.Parse(text)
	if err == nil {
		_, err = gojq.Compile(query)
	}
	if err == nil {
		return ""
	}
	return clip(err.Error())
}

func jqHint(text string) string {
	switch {
	case strings.Contains(text, "&&"), strings.Contains(text, "||"):
		return "jq says and, or"
	case strings.Contains(text, "'"):
		return "jq takes text in double quotes"
	case strings.Contains(text, "==="):
		return "jq compares by =="
	}
	return ""
}

// json reads a value that is sent as JSON: text that is JSON once its templates have values, or YAML turned into it.
func (r *verifier) json(n *node, path string, p place) promotion.Template {
	text := n.text
	if n.kind != isText {
		w := jsonWriter{left: largestFile}
		if w.write(n); w.fault != nil {
			r.add(promotion.Fault{Where: w.at, What: fmt.Sprintf("%s: %s", path, w.fault), Accepted: acceptedJSON})
			return ""
		}
		text = w.String()
	}
	expanded, ok := r.expand(text, n.where, path, p)
	if !ok {
		return ""
	}
	if !json.Valid([]byte(expanded)) {
		var any any
		reason := json.Unmarshal([]byte(expanded), &any)
		r.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s: %s is not JSON", path, quote(n.text)), Detail: clip(reason.Error()), Hint: jsonHint(n.text)})
	}
	return promotion.Template(text)
}

func jsonHint(text string) string {
	switch {
	case strings.Contains(text, "'"):
		return "JSON takes text in double quotes"
	case strings.Contains(text, "{{"):
		return "put placeholders for text in double quotes, as in {\"commit\": \"{{.Commit}}\"}"
	case text != "" && !strings.ContainsAny(text, `{["`):
		return fmt.Sprintf("JSON text is in quotes: '%s'", strconv.Quote(clip(text)))
	}
	return ""
}

const acceptedJSON = "a value of JSON, up to 256 KiB"

// A jsonWriter turns YAML into JSON, keys in their order. It stops at a size, since aliases can make a small file
// describe a huge value.
type jsonWriter struct {
	bytes.Buffer
	left  int
	at    promotion.Where
	fault error
}

func (w *jsonWriter) write(n *node) {
	if w.left -= 1 + len(n.text); w.left < 0 && w.fault == nil {
		w.at, w.fault = n.where, fmt.Errorf("the value has more than %d KiB", largestFile>>10)
	}
	if w.fault != nil {
		return
	}
	switch n.kind {
	case isMapping:
		w.WriteByte('{')
		for i, e := range n.entries {
			if i > 0 {
				w.WriteByte(',')
			}
			w.text(e.name)
			w.WriteByte(':')
			w.write(e.value)
		}
		w.WriteByte('}')
	case isList:
		w.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				w.WriteByte(',')
			}
			w.write(item)
		}
		w.WriteByte(']')
	case isText:
		w.text(n.text)
	case isBoolean:
		w.WriteString(strings.ToLower(n.text))
	case isNull:
		w.WriteString("null")
	default:
		w.number(n)
	}
}

// text writes a string without HTML's escapes, which would hide a template's braces from nobody but readers.
func (w *jsonWriter) text(s string) {
	e := json.NewEncoder(&w.Buffer)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string and a buffer cannot fail
	w.Truncate(w.Len() - 1)
}

func (w *jsonWriter) number(n *node) {
	if json.Valid([]byte(n.text)) {
		w.WriteString(n.text)
		return
	}
	plain := strings.ReplaceAll(n.text, "_", "")
	if i, ok := new(big.Int).SetString(plain, 0); ok && n.kind == isInteger {
		w.WriteString(i.String())
		return
	}
	if f, err := strconv.ParseFloat(plain, 64); err == nil {
		if b, err := json.Marshal(f); err == nil {
			w.Write(b)
			return
		}
	}
	w.at, w.fault = n.where, fmt.Errorf("%s is not a number of JSON", quote(n.text))
}
