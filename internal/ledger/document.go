package ledger

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// The attributes that hold a document. A row has one of the first two.
const (
	attrJSON  = "json"
	attrGzip  = "gzip"  // compressed JSON, or the part of it that is in this row
	attrParts = "parts" // how many rows hold it; absent for 1
)

const (
	// Up to so many bytes a document stays readable in the console: some hundred functions.
	plainUpTo = 32 << 10
	// A row holds 400 KB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html. The rest is for
	// the attributes beside the document.
	partUpTo = 300 << 10
	// No document is longer than this, whatever a row says.
	maxDocument = 64 << 20
	maxParts    = 100
)

// errTorn tells that rows do not belong together: a write was carried out while they were read, or some are missing.
var errTorn = errors.New("the rows do not belong together")

// A sheet is a document's rows, ready to be written. The first has the attributes.
type sheet []table.Item

// sheet lays a document out in rows. The marks of a sheet's rows are the same, and no other's.
func (l *Ledger) sheet(k table.Key, mark string, attributes table.Item, document any) (sheet, error) {
	text, err := encode(document)
	if err != nil {
		return nil, err
	}
	first := l.row(k, mark)
	maps.Copy(first, attributes)
	if len(text) <= plainUpTo {
		first[attrJSON] = table.S(string(text))
		return sheet{first}, nil
	}
	packed, err := pack(text)
	if err != nil {
		return nil, err
	}
	parts := (len(packed) + partUpTo - 1) / partUpTo
	if parts > 1 {
		first[attrParts] = table.N(parts)
	}
	s := sheet{first}
	for n := 1; n < parts; n++ {
		s = append(s, l.row(table.Key{PK: k.PK, SK: partSort(k.SK, n)}, mark))
	}
	for n, row := range s {
		row[attrGzip] = table.B(packed[n*partUpTo : min((n+1)*partUpTo, len(packed))])
	}
	return s, nil
}

func (l *Ledger) row(k table.Key, mark string) table.Item {
	row := k.Item()
	row[attrMark] = table.S(mark)
	return l.table.Format().Stamp(row)
}

func partSort(sort string, n int) string { return fmt.Sprintf("%s#%03d", sort, n) }

// size is about how many bytes the rows have.
func (s sheet) size() int {
	n := 0
	for _, row := range s {
		n += 1<<10 + len(row.String(attrJSON)) + len(row.Bytes(attrGzip))
	}
	return n
}

// puts are the writes of the rows: the first under the condition, or whatever is there.
func (l *Ledger) puts(s sheet, condition string, values table.Item) []types.TransactWriteItem {
	actions := make([]types.TransactWriteItem, len(s))
	for i, row := range s {
		actions[i].Put = &types.Put{TableName: aws.String(l.table.Name()), Item: row}
	}
	if condition != "" {
		first := actions[0].Put
		first.ConditionExpression, first.ExpressionAttributeNames = &condition, table.Names(condition)
		first.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		if len(values) > 0 {
			first.ExpressionAttributeValues = values
		}
	}
	return actions
}

// absent is the condition for what is written once.
const absent = "attribute_not_exists(#pk)"

// bySort are rows of one partition by their sort keys.
func bySort(rows []table.Item) map[string]table.Item {
	by := make(map[string]table.Item, len(rows))
	for _, row := range rows {
		by[row.String(table.SK)] = row
	}
	return by
}

// isPart tells whether a row continues the document of another one.
func isPart(row table.Item) bool { return strings.Count(row.String(table.SK), "#") == 2 }

// open reads the document of the row with the sort key. what names it for people. It returns errTorn if other rows are
// needed than there are.
func (l *Ledger) open(rows map[string]table.Item, sort, what string, into any) error {
	first := rows[sort]
	if err := l.table.Format().Check(first, what); err != nil {
		return err
	}
	text := []byte(first.String(attrJSON))
	if first.Has(attrGzip) {
		packed := bytes.Clone(first.Bytes(attrGzip))
		for n := 1; n < int(min(first.Uint(attrParts), maxParts)); n++ {
			part := rows[partSort(sort, n)]
			if part == nil || part.String(attrMark) != first.String(attrMark) {
				return errTorn
			}
			packed = append(packed, part.Bytes(attrGzip)...)
		}
		var err error
		if text, err = unpack(packed); err != nil {
			return unreadable(what, err)
		}
	}
	if err := decode(text, into); err != nil {
		return unreadable(what, err)
	}
	return nil
}

func unreadable(what string, err error) error {
	return promotion.Fault{What: what + " cannot be read", Hint: restore, Detail: err.Error()}
}

func encode(document any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode is strict: a field that is not known here would be lost when the row is written again.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	return nil
}

func pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("it is longer than %d bytes", maxDocument)
	}
	return text, err
}
