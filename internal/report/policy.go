package report

import (
	"fmt"
	"strings"
)

// Policy shows an IAM policy document on a terminal: nothing stands before its lines, so that it can be copied as it is.
// note is a sentence about it, or "".
func Policy(document []byte, note string) string {
	var b strings.Builder
	b.WriteString("\nThe IAM policy that the role needs for this configuration:\n\n")
	b.WriteString(strings.TrimRight(string(document), "\n") + "\n")
	if note != "" {
		fmt.Fprintf(&b, "\n%s.\n", oneLine(note))
	}
	return b.String()
}

// PolicySummary shows an IAM policy document as Markdown, folded.
func PolicySummary(document []byte, note string) string {
	var b strings.Builder
	b.WriteString("\n<details><summary>The IAM policy that the role needs for this configuration</summary>\n\n")
	b.WriteString(Block(string(document)) + "\n\n")
	if note != "" {
		b.WriteString(Text(note) + ".\n\n")
	}
	b.WriteString("</details>\n")
	return b.String()
}
