package promotion

import (
	"fmt"
	"strings"
)

// pointCommand is the exact command with which a person sends the whole of an alias to a version, unless somebody
// has changed it since it had the given revision.
func pointCommand(name string, env Environment, v Version, revision Revision) string {
	return fmt.Sprintf(`aws lambda update-alias --region %s --function-name %s --name %s --function-version %s --routing-config 'AdditionalVersionWeights={}' --revision-id %s`,
		shellWord(env.Region), shellWord(name), shellWord(env.Alias), v, shellWord(string(revision)))
}

// lookCommand is the command with which a person sees what an alias holds.
func lookCommand(name string, env Environment) string {
	return fmt.Sprintf("aws lambda get-alias --region %s --function-name %s --name %s", shellWord(env.Region), shellWord(name), shellWord(env.Alias))
}

// shellWord quotes what a shell would not take as one plain word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:/@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
