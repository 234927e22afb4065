package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/itchyny/gojq"
)

// maxEvaluation bounds one evaluation, since an expression can loop for ever.
const maxEvaluation = 5 * time.Second

// A query is a jq expression that has to yield true, and nothing else.
type query struct {
	text string
	code *gojq.Code
}

// newQuery compiles an expression. It reaches nothing but the value it is given: no environment variables,
// no input, no modules.
func newQuery(text string) (*query, error) {
	parsed, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a jq expression: %w", text, err)
	}
	code, err := gojq.Compile(parsed)
	if err != nil {
		return nil, fmt.Errorf("%q is not a jq expression that can be used here: %w", text, err)
	}
	return &query{text: text, code: code}, nil
}

// holds tells whether the expression yields true on the value, and if not, why, in one sentence. The error is
// that of a context that ended.
func (q *query) holds(ctx context.Context, value any, s secrets) (bool, string, error) {
	bounded, cancel := context.WithTimeout(ctx, maxEvaluation)
	defer cancel()
	var yielded []any
	iter := q.code.RunWithContext(bounded, value)
	for len(yielded) < 3 {
		v, more := iter.Next()
		if !more {
			break
		}
		if err, isErr := v.(error); isErr {
			if ctx.Err() != nil {
				return false, "", ctx.Err()
			}
			if bounded.Err() != nil {
				return false, fmt.Sprintf("%s had not yielded anything after %s", q.shown(), maxEvaluation), nil
			}
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				break
			}
			return false, fmt.Sprintf("%s failed: %s", q.shown(), s.quote(err.Error())), nil
		}
		yielded = append(yielded, v)
	}
	switch {
	case len(yielded) == 1 && yielded[0] == true:
		return true, "", nil
	case len(yielded) == 0:
		return false, q.shown() + " yielded nothing; it has to yield true", nil
	case len(yielded) == 1:
		return false, fmt.Sprintf("%s yielded %s; it has to yield true", q.shown(), s.quote(shownValue(yielded[0]))), nil
	}
	return false, fmt.Sprintf("%s yielded several values, %s, %s; it has to yield true once",
		q.shown(), s.quote(shownValue(yielded[0])), s.quote(shownValue(yielded[1]))), nil
}

func (q *query) shown() string { return "jq expression " + cutEnd(clean(q.text), maxQuote) }

// shownValue is a value as jq would print it.
func shownValue(v any) string {
	text, err := gojq.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// decodeJSON reads one JSON value. Numbers stay texts, so that those over 2^53 keep their digits.
func decodeJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the first JSON value")
	}
	return v, nil
}
