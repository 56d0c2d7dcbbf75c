package html

import (
	"slices"
	"testing"
)

// axNode is a node of the tree that screen readers get.
type axNode struct {
	Ignored    bool
	Role, Name struct{ Value any }
	Properties []struct {
		Name  string
		Value struct{ Value any }
	}
}

func TestScreenReaders(t *testing.T) {
	p := chromium(t).show(t, refused(), desktop)
	p.openGraph(t)
	p.openTask(t, 0)
	p.call(t, "Accessibility.enable", nil)
	var tree struct{ Nodes []axNode }
	p.decode(t, &tree, p.session, "Accessibility.getFullAXTree", nil)
	roles := map[string]int{}
	level := 0.0
	for _, n := range tree.Nodes {
		if n.Ignored {
			continue
		}
		role, _ := n.Role.Value.(string)
		roles[role]++
		name, _ := n.Name.Value.(string)
		needs := []string{"button", "link", "searchbox", "combobox", "grid", "region", "navigation", "heading", "row"}
		if slices.Contains(needs, role) && name == "" && role != "row" {
			t.Errorf("a %s has no name", role)
		}
		if role != "heading" {
			continue
		}
		for _, prop := range n.Properties {
			if at, ok := prop.Value.Value.(float64); ok && prop.Name == "level" {
				if at > level+1 {
					t.Errorf("heading %q of level %v comes after one of level %v", name, at, level)
				}
				level = at
			}
		}
	}
	for _, role := range []string{"banner", "navigation", "main", "search", "grid", "table", "columnheader", "rowheader", "heading", "list"} {
		if roles[role] == 0 {
			t.Errorf("there is no %s: %v", role, roles)
		}
	}
	if got := p.eval(t, `document.querySelectorAll("[tabindex]").length > 0 && [...document.querySelectorAll("[tabindex]")].every(e => Number(e.tabIndex) <= 0)`); got != true {
		t.Error("the order of Tab is not that of the page")
	}
}
