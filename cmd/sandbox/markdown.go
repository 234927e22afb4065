package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	hidden    = regexp.MustCompile(`(?s)<!--.*?-->`)
	breaks    = regexp.MustCompile(`<br ?/?>`)
	tags      = regexp.MustCompile(`</?(details|summary|sub|sup|b|i|p|div|table|thead|tbody|tr|td|th|code|pre|a)\b[^>]*>`)
	links     = regexp.MustCompile(`\[([^\]]+)\]\([^)\s]+\)`)
	backslash = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")
	separator = regexp.MustCompile(`^\|[-:| ]+\|$`)
)

// excerpt is the beginning of a Markdown text as a terminal can show it: links by their texts, tables in columns, and
// nothing that only a browser makes sense of. The whole of it is in the file.
func excerpt(text, file string) string {
	const most, widest = 34, 120
	var b strings.Builder
	all := plainLines(text)
	for i, line := range all {
		if left := len(all) - i; i >= most && left > 1 {
			fmt.Fprintf(&b, "  │ (%d more lines in %s)\n", left, file)
			break
		}
		if utf8.RuneCountInString(line) > widest {
			line = string([]rune(line)[:widest-1]) + "…"
		}
		b.WriteString(strings.TrimRight("  │ "+line, " ") + "\n")
	}
	return b.String()
}

// plainLines are the lines of a Markdown text without its marks, never two blank ones in a row.
func plainLines(text string) (lines []string) {
	text = breaks.ReplaceAllString(hidden.ReplaceAllString(text, ""), " · ")
	text = tags.ReplaceAllString(strings.ReplaceAll(text, "</summary>", " "), "")
	var rows [][]string
	end := func() {
		lines, rows = append(lines, columns(rows)...), nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case separator.MatchString(line):
			continue
		case strings.HasPrefix(line, "|"):
			rows = append(rows, cells(line))
			continue
		}
		end()
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, plain(line))
	}
	end()
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func plain(text string) string {
	text = html.UnescapeString(links.ReplaceAllString(text, "$1"))
	return strings.TrimSpace(backslash.ReplaceAllString(text, "$1"))
}

// cells are those of a table's row.
func cells(row string) (list []string) {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	for cell := range strings.SplitSeq(strings.ReplaceAll(row, `\|`, "\x00"), "|") {
		list = append(list, plain(strings.ReplaceAll(cell, "\x00", "|")))
	}
	return list
}

// columns sets rows with their cells below each other.
func columns(rows [][]string) (lines []string) {
	const widest = 30
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = min(max(widths[i], utf8.RuneCountInString(cell)), widest)
		}
	}
	for _, row := range rows {
		var line string
		for i, cell := range row {
			if utf8.RuneCountInString(cell) > widest {
				cell = string([]rune(cell)[:widest-1]) + "…"
			}
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
