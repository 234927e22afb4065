package replay

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var attributeValue = reflect.TypeFor[types.AttributeValue]()

// fill sets an SDK value from a recorded one, member by member.
func (s *SDK) fill(to reflect.Value, v any, where string) error {
	bad := func() error { return fmt.Errorf("%s: cannot make a %s of %s", where, to.Type(), show(v)) }
	if v == nil {
		return nil
	}
	if to.Type() == attributeValue {
		return s.fillAttribute(to, v, where)
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return s.fill(to.Elem(), v, where)
	case reflect.Struct:
		object, ok := v.(map[string]any)
		if !ok {
			return bad()
		}
		for name, value := range object {
			member := to.FieldByName(name)
			if !member.IsValid() {
				return fmt.Errorf("%s: the SDK has no member %s", where, name)
			}
			if err := s.fill(member, value, where+"."+name); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice:
		return s.fillSlice(to, v, where)
	case reflect.Map:
		object, ok := v.(map[string]any)
		if !ok {
			return bad()
		}
		to.Set(reflect.MakeMap(to.Type()))
		for name, value := range object {
			item := reflect.New(to.Type().Elem()).Elem()
			if err := s.fill(item, value, where+"."+name); err != nil {
				return err
			}
			to.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), item)
		}
		return nil
	}
	return fillScalar(to, v, bad)
}

func fillScalar(to reflect.Value, v any, bad func() error) error {
	switch v := v.(type) {
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
	case bool:
		if to.Kind() == reflect.Bool {
			to.SetBool(v)
			return nil
		}
	case float64:
		switch to.Kind() {
		case reflect.Int32, reflect.Int64:
			to.SetInt(int64(v))
			return nil
		case reflect.Float64:
			to.SetFloat(v)
			return nil
		case reflect.String:
			to.SetString(strconv.FormatFloat(v, 'f', -1, 64))
			return nil
		}
	}
	return bad()
}

func (s *SDK) fillSlice(to reflect.Value, v any, where string) error {
	if to.Type().Elem().Kind() == reflect.Uint8 {
		blob, err := s.book.blob(v)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		to.SetBytes(blob)
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s: %s is no list", where, show(v))
	}
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		if err := s.fill(to.Index(i), item, fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}

// fillAttribute makes a DynamoDB value, which the SDK has one Go type each for.
func (s *SDK) fillAttribute(to reflect.Value, v any, where string) error {
	object, ok := v.(map[string]any)
	if !ok || len(object) != 1 {
		return fmt.Errorf("%s: %s is no attribute value", where, show(v))
	}
	for kind, value := range object {
		var member reflect.Value
		switch kind {
		case "S":
			member = reflect.ValueOf(&types.AttributeValueMemberS{})
		case "N":
			member = reflect.ValueOf(&types.AttributeValueMemberN{})
		case "B":
			member = reflect.ValueOf(&types.AttributeValueMemberB{})
		case "BOOL":
			member = reflect.ValueOf(&types.AttributeValueMemberBOOL{})
		case "NULL":
			member = reflect.ValueOf(&types.AttributeValueMemberNULL{})
		case "M":
			member = reflect.ValueOf(&types.AttributeValueMemberM{})
		case "L":
			member = reflect.ValueOf(&types.AttributeValueMemberL{})
		case "SS":
			member = reflect.ValueOf(&types.AttributeValueMemberSS{})
		case "NS":
			member = reflect.ValueOf(&types.AttributeValueMemberNS{})
		case "BS":
			member = reflect.ValueOf(&types.AttributeValueMemberBS{})
		default:
			return fmt.Errorf("%s: there is no attribute type %s", where, kind)
		}
		if err := s.fill(member.Elem().FieldByName("Value"), value, where+"."+kind); err != nil {
			return err
		}
		to.Set(member)
	}
	return nil
}
