package dynamodb

import (
	"cmp"
	"slices"
)

// project keeps of an item what the paths lead to, each within its maps and lists. A list keeps the
// chosen elements side by side, without gaps.
func project(it item, paths []path) item {
	v, _ := projectValue(value{kind: kindM, tree: it}, paths)
	if v.tree == nil {
		return item{}
	}
	return v.tree
}

// projectValue follows one element of each path. It returns false when nothing is there.
func projectValue(v value, rests []path) (value, bool) {
	byElement := map[element][]path{}
	for _, rest := range rests {
		if len(rest) == 0 {
			return v, true
		}
		byElement[rest[0]] = append(byElement[rest[0]], rest[1:])
	}
	elements := make([]element, 0, len(byElement))
	for e := range byElement {
		elements = append(elements, e)
	}
	slices.SortFunc(elements, func(a, b element) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.index, b.index))
	})
	result := value{kind: v.kind}
	for _, e := range elements {
		switch {
		case v.kind == kindM && e.name != "":
			child, ok := v.tree[e.name]
			if !ok {
				continue
			}
			if child, ok = projectValue(child, byElement[e]); ok {
				if result.tree == nil {
					result.tree = item{}
				}
				result.tree[e.name] = child
			}
		case v.kind == kindL && e.name == "" && e.index < len(v.list):
			if child, ok := projectValue(v.list[e.index], byElement[e]); ok {
				result.list = append(result.list, child)
			}
		}
	}
	return result, len(result.tree)+len(result.list) > 0
}
