package policy

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtins names the built-in policies.
func Builtins() []string { return []string{"firefox-ci"} }

// BuiltinText gives a built-in policy as it is written.
func BuiltinText(name string) ([]byte, bool) {
	if !slices.Contains(Builtins(), name) {
		return nil, false
	}
	data, err := builtin.ReadFile("builtin/" + name + ".yaml")
	return data, err == nil
}

// SuggestBuiltin asks whether a built-in policy was meant by a name like its own,
// or by the beginning of its name; it is empty where none is alike.
func SuggestBuiltin(name string) string {
	for _, b := range Builtins() {
		if len(name) >= 3 && strings.HasPrefix(b, strings.ToLower(name)) {
			return fmt.Sprintf("did you mean %q?", b)
		}
	}
	return didYouMean(name, Builtins())
}

// Builtin gives the built-in policy for the deployment at a root URL.
func Builtin(rootURL string) (*Policy, bool) {
	for _, name := range Builtins() {
		text, _ := BuiltinText(name)
		p, err := Parse(name, text, nil)
		if err == nil && p.RootURL == strings.TrimSuffix(rootURL, "/") {
			return p, true
		}
	}
	return nil, false
}

// usurps tells whether a policy goes by a built-in one's name without being it.
func usurps(name string, data []byte) bool {
	text, ok := BuiltinText(name)
	return ok && string(text) != string(data)
}
