package table

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An Item is a row, a map within one, or the values of an expression. What is absent, or of another type, reads as zero.
type Item map[string]types.AttributeValue

// S is a string.
func S(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// N is a number.
func N[T int | int64 | uint64](n T) types.AttributeValue {
	if n < 0 {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(n), 10)}
}

// Bool is a truth value.
func Bool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// B is a sequence of bytes.
func B(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// M is a map.
func M(m Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

// Strings is a list of strings, in order.
func Strings(list []string) types.AttributeValue {
	values := make([]types.AttributeValue, len(list))
	for i, s := range list {
		values[i] = S(s)
	}
	return &types.AttributeValueMemberL{Value: values}
}

// Maps is a list of maps, in order.
func Maps(list []Item) types.AttributeValue {
	values := make([]types.AttributeValue, len(list))
	for i, m := range list {
		values[i] = M(m)
	}
	return &types.AttributeValueMemberL{Value: values}
}

// Has tells whether there is such an attribute.
func (i Item) Has(name string) bool { return i[name] != nil }

// String reads a string.
func (i Item) String(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// Uint reads a whole number that is not negative.
func (i Item) Uint(name string) uint64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseUint(v.Value, 10, 64) // zero for what is none
		return n
	}
	return 0
}

// Bool reads a truth value.
func (i Item) Bool(name string) bool {
	v, ok := i[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}

// Bytes reads a sequence of bytes.
func (i Item) Bytes(name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

// Map reads a map.
func (i Item) Map(name string) Item {
	if v, ok := i[name].(*types.AttributeValueMemberM); ok {
		return v.Value
	}
	return nil
}

// Strings reads a list of strings.
func (i Item) Strings(name string) []string {
	v, _ := i[name].(*types.AttributeValueMemberL)
	if v == nil {
		return nil
	}
	var list []string
	for _, e := range v.Value {
		if s, ok := e.(*types.AttributeValueMemberS); ok {
			list = append(list, s.Value)
		}
	}
	return list
}

// Maps reads a list of maps.
func (i Item) Maps(name string) []Item {
	v, _ := i[name].(*types.AttributeValueMemberL)
	if v == nil {
		return nil
	}
	var list []Item
	for _, e := range v.Value {
		if m, ok := e.(*types.AttributeValueMemberM); ok {
			list = append(list, m.Value)
		}
	}
	return list
}
