// Payments says which ways of paying there are.
package main

import "github.com/promote-on-success/promote/examples/shop/internal/serve"

func main() {
	methods := func(map[string]string) (any, int) {
		return map[string]any{"methods": []string{"card", "transfer"}}, 200
	}
	serve.Function("payments", map[string]serve.Page{"/methods": methods})
}
