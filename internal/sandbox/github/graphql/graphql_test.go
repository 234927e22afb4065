package graphql_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox/github/graphql"
)

const definitions = `
# people and their pets
type Query { me(name: String = "x", deep: In): Person! pets(kinds: [Kind!]): [Pet!] broken: Person }
interface Pet { name: String! }
type Dog implements Pet { name: String! barks: Boolean }
type Cat implements Pet { name: String! owner: Person }
type Person { name: String age: Int mood: Float must: String! }
enum Kind { DOG CAT }
input In { kind: Kind! names: [String!] }
`

func root() graphql.Value {
	dog := graphql.Value{"__typename": "Dog", "name": "Rex", "barks": true}
	cat := graphql.Value{"__typename": "Cat", "name": "Tom", "owner": nil}
	person := graphql.Value{"__typename": "Person", "name": "Ada", "age": 36, "mood": 0.5, "must": "m"}
	return graphql.Value{
		"me": graphql.Resolver(func(args map[string]any) (any, error) {
			out := graphql.Value{}
			for k, v := range person {
				out[k] = v
			}
			if n, ok := args["name"]; ok {
				out["name"] = n
			}
			return out, nil
		}),
		"pets":   []any{dog, cat},
		"broken": graphql.Resolver(func(map[string]any) (any, error) { return nil, errors.New("out of order") }),
	}
}

func schema(t testing.TB) *graphql.Schema {
	t.Helper()
	s, err := graphql.Parse(strings.ReplaceAll(definitions, ` = "x"`, ""))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestQueries(t *testing.T) {
	for _, c := range []struct{ name, query, variables, want string }{
		{"aliases and merged selections", `{ a: me { name } a: me { age } }`, ``, `{"data":{"a":{"age":36,"name":"Ada"}}}`},
		{"fragments choose by type", `{ pets { __typename name ... on Dog { barks } ...C } } fragment C on Cat { owner { name } }`, ``,
			`{"data":{"pets":[{"__typename":"Dog","barks":true,"name":"Rex"},{"__typename":"Cat","name":"Tom","owner":null}]}}`},
		{"a variable that is absent is no argument", `query($n: String) { me(name: $n) { name } }`, `{}`, `{"data":{"me":{"name":"Ada"}}}`},
		{"a variable that is null is one", `query($n: String) { me(name: $n) { name } }`, `{"n":null}`, `{"data":{"me":{"name":null}}}`},
		{"strings with escapes", `{ me(name: "a\"\u00fc\/\n") { name } }`, ``, `{"data":{"me":{"name":"a\"ü/\n"}}}`},
		{"block strings", `{ me(name: """ "b" """) { name } }`, ``, `{"data":{"me":{"name":"\"b\""}}}`},
		{"input objects", `{ me(deep: {kind: DOG, names: ["a"]}) { mood } }`, ``, `{"data":{"me":{"mood":0.5}}}`},
		{"a resolver's error", `{ broken { name } }`, ``, `{"data":{"broken":null},"errors":[{"path":["broken"],"locations":[{"line":1,"column":3}],"message":"out of order"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var variables map[string]any
			if c.variables != "" {
				if err := json.Unmarshal([]byte(c.variables), &variables); err != nil {
					t.Fatal(err)
				}
			}
			got, err := json.Marshal(schema(t).Do(c.query, "", variables, root()))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOperationsAreChosenByName(t *testing.T) {
	const two = `query A { me { name } } query B { me { age } }`
	if got := schema(t).Do(two, "B", nil, root()); got.Errors != nil || got.Data.(graphql.Value)["me"].(graphql.Value)["age"] != 36 {
		t.Error(got)
	}
	for name, message := range map[string]string{"": "An operation name is required", "C": `No operation named "C"`} {
		if got := schema(t).Do(two, name, nil, root()); len(got.Errors) != 1 || got.Errors[0].Message != message {
			t.Errorf("%q: %v", name, got.Errors)
		}
	}
}

func TestInputObjectsAreChecked(t *testing.T) {
	for _, literal := range []string{`{}`, `{kind: BIRD}`, `{kind: DOG, x: 1}`, `{kind: DOG, names: [1]}`, `{kind: DOG, names: [null]}`, `"DOG"`} {
		if got := schema(t).Do(`{ me(deep: `+literal+`) { name } }`, "", nil, root()); got.Errors == nil {
			t.Errorf("%s is taken", literal)
		}
	}
	for _, value := range []any{nil, "x", map[string]any{"kind": "BIRD"}, map[string]any{"other": 1}} {
		got := schema(t).Do(`query($d: In!) { me(deep: $d) { name } }`, "", map[string]any{"d": value}, root())
		if got.Errors == nil {
			t.Errorf("%v is taken", value)
		}
	}
}

func TestSchemasAreChecked(t *testing.T) {
	for _, text := range []string{"type Query { a: Nothing }", "type Query { a(b: Nothing): Int }", "type Query implements X { a: Int }", "thing Query { a: Int }", "type Query {"} {
		if _, err := graphql.Parse(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// No text brings the server down: it is answered, or refused with a message.
func FuzzQueries(f *testing.F) {
	for _, seed := range []string{`{ me { name } }`, `query Q($n: String = "a") { me(name: $n) @skip(if: true) { ...F } } fragment F on Person { age }`,
		`{ pets(kinds: [DOG, CAT]) { ... on Cat { owner { name } } } }`, `{ me(deep: {kind: DOG}) { __typename } }`, "{", `{a(b:"\`, strings.Repeat("{a", 300), `{ a: pets { name } a: me { name } }`} {
		f.Add(seed)
	}
	s := schema(f)
	f.Fuzz(func(t *testing.T, text string) {
		got := s.Do(text, "", map[string]any{"n": "x"}, root())
		if got.Data == nil && len(got.Errors) == 0 {
			t.Errorf("%q has neither data nor errors", text)
		}
		for _, e := range got.Errors {
			if e.Message == "" {
				t.Errorf("%q has an error without a message", text)
			}
		}
	})
}
