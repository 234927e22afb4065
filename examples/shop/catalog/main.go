// Catalog lists the shop's products. It stands at the root of the shop's endpoints.
package main

import "github.com/promote-on-success/promote/examples/shop/internal/serve"

type product struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Cents int    `json:"cents"`
}

var products = []product{
	{"tea", "Green tea, 100 g", 790},
	{"pot", "Cast-iron teapot", 6400},
	{"cup", "Two cups", 1850},
}

func main() {
	list := func(map[string]string) (any, int) { return map[string]any{"products": products}, 200 }
	serve.Function("catalog", map[string]serve.Page{"/": list, "/products": list})
}
