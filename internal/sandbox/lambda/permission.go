package lambda

import (
	"path"
	"strings"
)

// A visitor is who wants in through a resource policy, with what the conditions ask about.
type visitor struct {
	action    string // "InvokeFunction" or "InvokeFunctionUrl"
	principal string // a service's name, an IAM ARN, or "" for anybody
	sourceARN string
	account   string // the account of the source
	urlAuth   string // of a function URL; "" for other ways in
}

// allows evaluates the resource policy of what a caller addressed. An alias has a policy of its own, and
// $LATEST has the function's.
func (f *function) allows(qualifier string, v visitor) bool {
	if qualifier == latestName {
		qualifier = ""
	}
	p := f.policies[qualifier]
	if p == nil {
		return false
	}
	for _, st := range p.statements {
		if st.fits(v) {
			return true
		}
	}
	return false
}

func (st statement) fits(v visitor) bool {
	action := strings.TrimPrefix(st.Action, "lambda:")
	if action != "*" && action != v.action || !st.lets(v.principal) {
		return false
	}
	for _, conditions := range st.Condition {
		for key, want := range conditions {
			if !v.meets(key, want) {
				return false
			}
		}
	}
	return true
}

func (st statement) lets(who string) bool {
	named, ok := st.Principal.(map[string]string)
	if !ok {
		return true // "*"
	}
	if service := named["Service"]; service != "" {
		return service == who
	}
	want := named["AWS"]
	if root, isRoot := strings.CutSuffix(want, ":root"); isRoot { // the whole account
		account := root[strings.LastIndexByte(root, ':')+1:]
		return strings.Contains(who, "::"+account+":")
	}
	return want == who
}

func (v visitor) meets(key, want string) bool {
	switch strings.ToLower(key) {
	case "aws:sourcearn":
		return arnLike(want, v.sourceARN)
	case "aws:sourceaccount":
		return want == v.account
	case "lambda:functionurlauthtype":
		return want == v.urlAuth
	case "lambda:invokedviafunctionurl":
		return v.urlAuth != ""
	}
	return false // a condition that the sandbox cannot answer is not met
}

// arnLike is IAM's ArnLike: `*` and `?` in each of the six parts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func arnLike(pattern, arn string) bool {
	want, have := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		// path.Match stops `*` at slashes, which IAM does not.
		hide := strings.NewReplacer("/", "\x00", "[", "\x01", "]", "\x02", `\`, "\x03")
		if ok, err := path.Match(hide.Replace(want[i]), hide.Replace(have[i])); err != nil || !ok {
			return false
		}
	}
	return true
}
