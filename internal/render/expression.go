package render

import (
	"fmt"
	"regexp"
	"strings"
)

// Bounds on an expression: the library parses and evaluates by recursion, and
// what overflows the stack ends the process. Real ones have 600 bytes at most.
const (
	maxExpression = 4 << 10
	maxNesting    = 200
)

// An instrumented expression is the same expression in calls of the functions
// of hooks.go: property access, indices and slices become calls, so that they
// are JavaScript's, and what costs time says so to the budget. Operators stay
// the library's.
type expression struct {
	source string
	tokens []token
	i      int
	nested int
	// weight is how often an operator may go over a value that the expression
	// names; ordered tells whether one orders texts.
	weight  int
	ordered bool
}

type token struct {
	kind, text string
	start, end int
}

var lexer = regexp.MustCompile(`^(?:([ \t\n\f\r]+)|(\*\*|>=|<=|==|!=|&&|\|\||[-+*/\[\].(){}:,<>!])|([0-9]+(?:\.[0-9]+)?)|([a-zA-Z_][a-zA-Z_0-9]*)|('[^']*'|"[^"]*"))`)

// scan reads source's tokens to its end or, if inText, to the brace that ends
// an interpolation; it tells where that is.
func scan(source string, inText bool) (*expression, int, error) {
	e := &expression{source: source, weight: 1}
	nested := 0
	for at := 0; ; {
		if at > maxExpression {
			return nil, 0, fmt.Errorf("an expression is longer than %d bytes", maxExpression)
		}
		if at == len(source) {
			if inText {
				return nil, 0, fmt.Errorf("${ lacks its }")
			}
			return e, at, nil
		}
		m := lexer.FindStringSubmatchIndex(source[at:])
		if m == nil {
			return nil, 0, fmt.Errorf("a character that JSON-e doesn't know at byte %d", at)
		}
		t := token{text: source[at : at+m[1]], start: at, end: at + m[1]}
		at = t.end
		switch {
		case m[2] >= 0:
			continue
		case m[4] >= 0:
			t.kind = t.text
		case m[6] >= 0:
			t.kind = "number"
		case m[8] >= 0:
			t.kind = "name"
			switch t.text {
			case "true", "false", "null":
				t.kind = "constant"
			case "in":
				t.kind = "in"
			}
		default:
			t.kind = "text"
		}
		switch t.kind {
		case "(", "[", "{":
			nested++
		case "}":
			if inText && nested == 0 {
				e.source = source[:t.start]
				return e, t.end, nil
			}
			nested--
		case ")", "]":
			nested--
		case "+", "==", "!=", "in":
			e.weight++
		case "<", ">", "<=", ">=":
			e.weight++
			e.ordered = true
		case "**":
			return nil, 0, fmt.Errorf("** is not supported: its results are not the same everywhere")
		case "name":
			if reserved(t.text) {
				return nil, 0, fmt.Errorf("the name %s is reserved", t.text)
			}
		}
		e.tokens = append(e.tokens, t)
	}
}

// compile gives the instrumented expression.
func (e *expression) compile() (string, error) {
	if e.ordered {
		for _, t := range e.tokens {
			if t.kind == "text" && astral(t.text) {
				return "", errOrder
			}
		}
	}
	code, err := e.operation()
	if err == nil && e.i < len(e.tokens) {
		err = e.unexpected()
	}
	return code, err
}

func (e *expression) peek() string {
	if e.i < len(e.tokens) {
		return e.tokens[e.i].kind
	}
	return ""
}

func (e *expression) take() string {
	e.i++
	return e.tokens[e.i-1].text
}

func (e *expression) expect(kind string) error {
	if e.peek() != kind {
		return e.unexpected()
	}
	e.i++
	return nil
}

func (e *expression) unexpected() error {
	if e.i < len(e.tokens) {
		t := e.tokens[e.i]
		return fmt.Errorf("unexpected %s at byte %d", t.text, t.start)
	}
	return fmt.Errorf("it ends too early")
}

// operation is operands with operators between them; which binds tighter is the
// library's to know.
func (e *expression) operation() (string, error) {
	var b strings.Builder
	for {
		s, err := e.operand()
		if err != nil {
			return "", err
		}
		b.WriteString(s)
		switch e.peek() {
		case "||", "&&", "in", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/":
			b.WriteString(" " + e.take() + " ")
		default:
			return b.String(), nil
		}
	}
}

// operand is a unit and what follows it. Signs and ! belong to the unit alone:
// !x.y asks for a property of !x.
func (e *expression) operand() (string, error) {
	depth := e.nested
	defer func() { e.nested = depth }()
	signs := ""
	for e.nested++; e.peek() == "!" || e.peek() == "-" || e.peek() == "+"; e.nested++ {
		signs += e.take() + " "
		if e.nested > maxNesting {
			break
		}
	}
	if e.nested > maxNesting {
		return "", fmt.Errorf("it nests deeper than %d levels", maxNesting)
	}
	code, name, err := e.unit()
	if err != nil {
		return "", err
	}
	if name && (code == "fromNow" || code == "defined") && (signs != "" || e.peek() != "(") {
		return "", fmt.Errorf("%s is not supported as a value: call it", code)
	}
	weigh := name
	if signs != "" {
		if name {
			code = e.weighed(code)
		}
		code = "(" + signs + "(" + code + "))"
		weigh, name = false, false
	}
	for {
		switch e.peek() {
		case ".":
			code, err = e.properties(code, name)
		case "[":
			code, err = e.access(code)
		case "(":
			code, err = e.call(code, name)
		default:
			if weigh {
				code = e.weighed(code)
			}
			return code, nil
		}
		if err != nil {
			return "", err
		}
		weigh, name = true, false
	}
}

// weighed charges a value that operators may go over.
func (e *expression) weighed(code string) string {
	switch {
	case e.weight == 1:
		return code
	case e.ordered:
		return fmt.Sprintf("%s(%d, %s)", hookOrdered, e.weight, code)
	}
	return fmt.Sprintf("%s(%d, %s)", hookLeaf, e.weight, code)
}

// properties also hands the hook the name of the value, for its error.
func (e *expression) properties(code string, isName bool) (string, error) {
	var b strings.Builder
	base := ""
	if isName {
		base = code
	}
	b.WriteString(hookGet + "('" + base + "', " + code)
	for e.peek() == "." {
		e.i++
		if e.peek() != "name" {
			return "", e.unexpected()
		}
		b.WriteString(", '" + e.take() + "'")
	}
	b.WriteString(")")
	return b.String(), nil
}

// unit also tells whether it is a name.
func (e *expression) unit() (code string, name bool, err error) {
	switch e.peek() {
	case "number", "text", "constant":
		return e.take(), false, nil
	case "name":
		return e.take(), true, nil
	case "(":
		e.i++
		code, err := e.operation()
		if err == nil {
			err = e.expect(")")
		}
		return "(" + code + ")", false, err
	case "[":
		e.i++
		args, err := e.list("]")
		return "[" + args + "]", false, err
	case "{":
		code, err := e.object()
		return code, false, err
	}
	return "", false, e.unexpected()
}

// list is operations and commas to the closing bracket.
func (e *expression) list(closing string) (string, error) {
	var b strings.Builder
	for e.peek() != closing {
		if b.Len() > 0 {
			if err := e.expect(","); err != nil {
				return "", err
			}
			b.WriteString(",")
		}
		s, err := e.operation()
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), e.expect(closing)
}

func (e *expression) object() (string, error) {
	e.i++
	var b strings.Builder
	b.WriteString("{")
	for e.peek() == "text" || e.peek() == "name" {
		b.WriteString(e.take() + ":")
		if err := e.expect(":"); err != nil {
			return "", err
		}
		s, err := e.operation()
		if err != nil {
			return "", err
		}
		b.WriteString(s)
		if e.peek() != "," {
			break
		}
		e.i++
		b.WriteString(",")
	}
	b.WriteString("}")
	return b.String(), e.expect("}")
}

func (e *expression) call(code string, direct bool) (string, error) {
	e.i++
	args, err := e.list(")")
	if err != nil {
		return "", err
	}
	switch {
	case direct && code == "fromNow":
		if args == "" {
			return "", fmt.Errorf("fromNow wants a period")
		}
		return hookFromNow + "(now, " + args + ")", nil
	case direct && code == "defined":
		return "defined(" + hookName + "(" + args + "))", nil
	}
	return hookFunction + "(" + code + ")(" + args + ")", nil
}

func (e *expression) access(code string) (string, error) {
	e.i++
	from, to := "0", "null"
	var err error
	if e.peek() != ":" {
		if from, err = e.operation(); err != nil {
			return "", err
		}
		if e.peek() == "]" {
			e.i++
			return hookIndex + "(" + code + ", " + from + ")", nil
		}
	}
	if err = e.expect(":"); err != nil {
		return "", err
	}
	if e.peek() != "]" {
		if to, err = e.operation(); err != nil {
			return "", err
		}
	}
	return hookSlice + "(" + code + ", " + from + ", " + to + ")", e.expect("]")
}
