// Checkout sums an order up.
package main

import (
	"strconv"

	"github.com/promote-on-success/promote/examples/shop/internal/serve"
)

var cents = map[string]int{"tea": 790, "pot": 6400, "cup": 1850}

func main() {
	serve.Function("checkout", map[string]serve.Page{"/total": total})
}

func total(query map[string]string) (any, int) {
	price, known := cents[query["product"]]
	count, err := strconv.Atoi(query["count"])
	if !known || err != nil || count < 1 || count > 100 {
		return map[string]any{"error": "name a product, and a count from 1 to 100"}, 400
	}
	return map[string]any{"cents": price * count}, 200
}
