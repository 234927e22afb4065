package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The names of the types in the wire format.
const (
	kindS    = "S"
	kindN    = "N"
	kindB    = "B"
	kindBool = "BOOL"
	kindNull = "NULL"
	kindL    = "L"
	kindM    = "M"
	kindSS   = "SS"
	kindNS   = "NS"
	kindBS   = "BS"
)

// A value is one attribute value. Values are never changed once made: an update builds new ones along
// its path, so that old images stay what they were.
type value struct {
	kind string
	text string // S, and the bytes of B
	num  number
	flag bool
	list []value // L, and the members of a set in ascending order
	tree item    // M

	// fault says what is wrong with a value that came over the wire. It is kept instead of returned,
	// because AWS's text for it depends on the parameter that holds the value.
	fault string
}

// An item is a map of attributes, on the top level or inside an M.
type item map[string]value

const (
	faultEmpty = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	faultMany  = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	invalid    = "One or more parameter values were invalid: "
)

// UnmarshalJSON reads the wire format. It returns an error only for JSON of the wrong shape; a value
// that has the shape but breaks a rule carries its fault.
func (v *value) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return serialization("AttributeValue")
	}
	*v = value{}
	for kind, raw := range members {
		if string(raw) == "null" {
			continue
		}
		if v.kind != "" {
			v.fault = faultMany
			return nil
		}
		v.kind = kind
		if err := v.read(raw); err != nil {
			return err
		}
	}
	if v.kind == "" {
		v.fault = faultEmpty
	}
	return nil
}

// read decodes the one member that a value has.
func (v *value) read(raw json.RawMessage) error {
	into := func(target any) error {
		if err := json.Unmarshal(raw, target); err != nil {
			return serialization(v.kind)
		}
		return nil
	}
	switch v.kind {
	case kindS:
		return into(&v.text)
	case kindN:
		var text string
		if err := into(&text); err != nil {
			return err
		}
		v.setNumber(text)
	case kindB:
		var bytes []byte
		if err := into(&bytes); err != nil {
			return err
		}
		v.text = string(bytes)
	case kindBool:
		return into(&v.flag)
	case kindNull:
		if err := into(&v.flag); err != nil {
			return err
		}
		if !v.flag {
			v.fault = invalid + "Null attribute value types must have the value of true"
		}
	case kindL:
		if err := json.Unmarshal(raw, &v.list); err != nil {
			return nested(err, kindL)
		}
		for _, element := range v.list {
			if element.fault != "" {
				v.fault = element.fault
			}
		}
	case kindM:
		if err := json.Unmarshal(raw, &v.tree); err != nil {
			return nested(err, kindM)
		}
		v.fault = v.tree.fault()
	case kindSS, kindNS, kindBS:
		return v.readSet(raw)
	default:
		v.fault = faultEmpty
	}
	return nil
}

func (v *value) setNumber(text string) {
	n, err := parseNumber(text)
	if err != nil {
		v.fault = err.Error()
	}
	v.num = n
}

func (v *value) readSet(raw json.RawMessage) error {
	texts := []string{}
	if v.kind == kindBS {
		var blobs [][]byte
		if err := json.Unmarshal(raw, &blobs); err != nil {
			return serialization(v.kind)
		}
		for _, blob := range blobs {
			texts = append(texts, string(blob))
		}
	} else if err := json.Unmarshal(raw, &texts); err != nil {
		return serialization(v.kind)
	}
	element := v.kind[:1]
	for _, text := range texts {
		member := value{kind: element, text: text}
		if element == kindN {
			member.text = ""
			member.setNumber(text)
			v.fault = member.fault
		}
		if v.fault != "" {
			return nil
		}
		v.list = append(v.list, member)
	}
	slices.SortFunc(v.list, value.compare)
	switch {
	case len(v.list) == 0 && element == kindB:
		v.fault = invalid + "Binary sets should not be empty"
	case len(v.list) == 0:
		v.fault = invalid + "An " + map[string]string{kindS: "string", kindN: "number"}[element] + " set  may not be empty"
	case len(slices.CompactFunc(slices.Clone(v.list), value.equal)) < len(v.list):
		switch element {
		case kindS:
			v.fault = invalid + "Input collection [" + strings.Join(texts, ", ") + "] contains duplicates."
		case kindN:
			v.fault = "Input collection contains duplicates"
		default:
			v.fault = invalid + "Input collection of type BS contains duplicates."
		}
	}
	return nil
}

// MarshalJSON writes the wire format, numbers and sets normalised.
func (v value) MarshalJSON() ([]byte, error) {
	var member any
	switch v.kind {
	case kindS:
		member = v.text
	case kindN:
		member = v.num.String()
	case kindB:
		member = []byte(v.text)
	case kindBool, kindNull:
		member = v.flag
	case kindL:
		member = append([]value{}, v.list...)
	case kindM:
		member = v.tree
		if v.tree == nil {
			member = item{}
		}
	default:
		texts := []string{}
		for _, m := range v.list {
			switch m.kind {
			case kindN:
				texts = append(texts, m.num.String())
			case kindB:
				texts = append(texts, base64.StdEncoding.EncodeToString([]byte(m.text)))
			default:
				texts = append(texts, m.text)
			}
		}
		member = texts
	}
	return json.Marshal(map[string]any{v.kind: member})
}

// String is the value as AWS shows it in error texts.
func (v value) String() string {
	shown := v.text
	switch v.kind {
	case kindN:
		shown = v.num.String()
	case kindB:
		shown = base64.StdEncoding.EncodeToString([]byte(v.text))
	}
	return fmt.Sprintf("AttributeValue: {%s:%s}", v.kind, shown)
}

// fault is the first thing that is wrong with the values of an item.
func (it item) fault() string {
	for _, name := range sortedKeys(it) {
		if name == "" {
			return invalid + "Empty attribute name"
		}
		if f := it[name].fault; f != "" {
			return f
		}
	}
	return ""
}

// equal is the = of expressions: same type, same value, sets and maps without order.
func (v value) equal(w value) bool {
	if v.kind != w.kind || v.text != w.text || v.num != w.num || v.flag != w.flag ||
		len(v.list) != len(w.list) || len(v.tree) != len(w.tree) {
		return false
	}
	for i := range v.list {
		if !v.list[i].equal(w.list[i]) {
			return false
		}
	}
	for name := range v.tree {
		if other, ok := w.tree[name]; !ok || !v.tree[name].equal(other) {
			return false
		}
	}
	return true
}

// ordered says whether the two values have an order: both S, both N or both B.
func (v value) ordered(w value) bool { return v.kind == w.kind && scalarKey(v.kind) }

// compare orders two values of one ordered type: strings and binaries by their bytes, numbers by value.
func (v value) compare(w value) int {
	if v.kind == kindN {
		return v.num.compare(w.num)
	}
	return strings.Compare(v.text, w.text)
}

// scalarKey says whether a type can be that of a key, and so has an order.
func scalarKey(kind string) bool { return kind == kindS || kind == kindN || kind == kindB }

func isSet(kind string) bool { return kind == kindSS || kind == kindNS || kind == kindBS }

// size is what the value counts against the 400 KB of an item.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (v value) size() int {
	switch v.kind {
	case kindS, kindB:
		return len(v.text)
	case kindN:
		return v.num.size()
	case kindBool, kindNull:
		return 1
	case kindL:
		total := 3
		for _, element := range v.list {
			total += 1 + element.size()
		}
		return total
	case kindM:
		return 3 + len(v.tree) + v.tree.size()
	}
	total := 0
	for _, member := range v.list {
		total += member.size()
	}
	return total
}

// size is the sum of names and values.
func (it item) size() int {
	total := 0
	for name, v := range it {
		total += len(name) + v.size()
	}
	return total
}

// depth is how many levels of lists and maps the value has.
func (v value) depth() int {
	deepest := 0
	for _, element := range v.list {
		deepest = max(deepest, element.depth())
	}
	for _, element := range v.tree {
		deepest = max(deepest, element.depth())
	}
	if v.kind == kindL || v.kind == kindM {
		return deepest + 1
	}
	return deepest
}
