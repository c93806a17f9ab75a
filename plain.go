package muster

import "slices"

// plain turns a value of a Record into what JSON would decode it to, so that values from memory and from storage compare equal.
func plain(v any) any {
	switch x := v.(type) {
	case []Phone:
		return mapped(x, func(p Phone) any { return pruned(map[string]any{"type": p.Type, "number": p.Number}, "type", "number") })
	case []Address:
		return mapped(x, func(a Address) any {
			o := map[string]any{"type": a.Type}
			for _, part := range addressParts {
				o[part] = *addressPart(&a, part)
			}
			return pruned(o, "type")
		})
	case []string:
		return mapped(x, func(s string) any { return s })
	case int:
		return float64(x)
	case int64:
		return float64(x)
	}
	return v
}

func mapped[T any](list []T, as func(T) any) []any {
	result := make([]any, len(list))
	for i, e := range list {
		result[i] = as(e)
	}
	return result
}

// pruned drops empty texts, as omitempty does, but for the names always there.
func pruned(o map[string]any, always ...string) map[string]any {
	for name, v := range o {
		if v == "" && !slices.Contains(always, name) {
			delete(o, name)
		}
	}
	return o
}
