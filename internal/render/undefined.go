package render

import (
	"regexp"
	"strings"
)

var undefinedVariable = regexp.MustCompile(`undefined variable ([A-Za-z_][A-Za-z0-9_]*)`)

// Undefined tells whether a template used a value that its context lacks. The
// name is the variable's; it is empty for a property of one.
func Undefined(err error) (name string, ok bool) {
	if m := undefinedVariable.FindStringSubmatch(err.Error()); m != nil {
		return m[1], true
	}
	return "", strings.Contains(err.Error(), "object has no such property")
}
