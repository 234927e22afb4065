package lambda

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"
)

const latestName = "$LATEST"

// A function is one name with all that hangs on it.
type function struct {
	home     *home
	name     string
	tags     map[string]string
	latest   *release
	running  snapshot            // what invocations of $LATEST get while an update is under way
	versions map[string]*release // by number
	next     int                 // the next version's number; a number is never used again
	// published is the last published version; clean says that $LATEST has not been updated since.
	published string
	clean     bool

	aliases     map[string]*alias
	policies    map[string]*policy // by qualifier, "" for the function itself
	urls        map[string]*urlConfig
	provisioned map[string]*provisioned // by version or alias
	reserved    *int
	inFlight    map[string]int // invocations under way by version
}

// A release is one row of a function: $LATEST or a published version.
type release struct {
	version string
	snapshot
	revision string
	modified time.Time

	state, stateReason, stateCode    string
	update, updateReason, updateCode string
	pending                          *pending
}

// A snapshot is code with its configuration: what a version freezes.
type snapshot struct {
	settings
	code *code
	// instance changes with every update, so that no warm process of an older state serves a newer one.
	instance string
}

// A code is an uploaded package or a container image.
type code struct {
	zip      []byte
	sha      string
	size     int64
	image    string // as it was asked for
	resolved string // by digest
}

// settings are a function's configuration. Members that the sandbox does not act on are kept as they came.
type settings struct {
	Runtime, Handler, Role, Description string
	Timeout, MemorySize                 int
	Environment                         map[string]string // nil: never given
	PackageType                         string
	Architectures                       []string
	EphemeralStorage                    int
	SnapStart                           string
	Tracing                             string
	KMSKeyArn                           string
	Logging                             logging
	Other                               map[string]json.RawMessage
}

type logging struct {
	LogFormat           string `json:",omitempty"`
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	LogGroup            string `json:",omitempty"`
}

// copied shares nothing that can be changed with s.
func (s settings) copied() settings {
	s.Environment = maps.Clone(s.Environment)
	s.Other = maps.Clone(s.Other)
	return s
}

// An alias is a name that callers use.
type alias struct {
	name, version, description string
	weights                    map[string]float64 // nil: none
	revision                   string
	transition                 *transition
}

func (h *home) arn(function string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", h.region, h.account, function)
}

func (f *function) arn() string { return f.home.arn(f.name) }

func (f *function) qualified(qualifier string) string {
	if qualifier == "" {
		return f.arn()
	}
	return f.arn() + ":" + qualifier
}

// release finds what a qualifier stands for today. For an alias it is the primary version.
func (f *function) release(qualifier string) *release {
	if qualifier == "" || qualifier == latestName {
		return f.latest
	}
	if v := f.versions[qualifier]; v != nil {
		return v
	}
	if a := f.aliases[qualifier]; a != nil {
		return f.release(a.version)
	}
	return nil
}

// numbers lists the published versions in order.
func (f *function) numbers() []string {
	var list []string
	for n := 1; n < f.next; n++ {
		if number := strconv.Itoa(n); f.versions[number] != nil {
			list = append(list, number)
		}
	}
	return list
}

func isNumber(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
