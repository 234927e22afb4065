package lambda

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A page is the part of a list that a caller asked for.
type page struct {
	after string
	size  int
}

// An item is one entry of a list under the key that orders it.
type item struct {
	key string
	doc any
}

// page reads MaxItems and Marker. AWS returns at most `most` items however many are asked for, and
// refuses to be asked for more than `limit`.
func (r *request) page(c *checker, most, limit int) (page, error) {
	p := page{size: most}
	if given := r.given("MaxItems"); given != nil {
		n, err := strconv.Atoi(*given)
		if err != nil {
			c.fault(*given, "maxItems", "Member must be an integer")
		} else {
			c.number("maxItems", &n, 1, limit)
			p.size = min(n, most)
		}
	}
	if err := c.err(); err != nil {
		return page{}, err
	}
	if marker := r.query("Marker"); marker != "" {
		after, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil {
			return page{}, invalid("The provided marker is invalid.")
		}
		p.after = string(after)
	}
	return p, nil
}

// answer sends the items that follow the marker. Items are in the order of their keys.
func (p page) answer(member string, items []item) (cloud.Reply, error) {
	docs := []any{}
	doc := map[string]any{}
	last := ""
	for _, it := range items {
		if p.after != "" && it.key <= p.after {
			continue
		}
		if len(docs) == p.size {
			doc["NextMarker"] = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		docs = append(docs, it.doc)
		last = it.key
	}
	doc[member] = docs
	return answer(http.StatusOK, doc), nil
}
