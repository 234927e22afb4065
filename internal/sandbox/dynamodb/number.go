package dynamodb

import (
	"math/big"
	"strconv"
	"strings"
)

// What DynamoDB stores as a number: 38 significant digits, magnitudes from 1E-130 to 9.99...E+125.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const (
	maxDigits = 38
	maxExp    = 126  // of a number written 0.digits x 10^exp
	minExp    = -129 // 1E-130 is 0.1 x 10^-129
)

// What AWS says of a number that it cannot store.
const (
	faultNoNumber  = "The parameter cannot be converted to a numeric value"
	faultPrecision = "Attempting to store more than 38 significant digits in a Number"
	faultOverflow  = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	faultUnderflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)

// A number is a decimal in one normal form: 0.digits x 10^exp, digits without zeros at either end.
// Zero has no digits, no sign and no exponent, so == is equality of values.
type number struct {
	neg    bool
	digits string
	exp    int
}

// parseNumber reads the text of an N attribute.
func parseNumber(s string) (number, error) {
	bad := fault{faultNoNumber + ": " + s}
	if s == "" {
		bad.text = faultNoNumber
	}
	rest := s
	var n number
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		n.neg = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		text := rest[i+1:]
		sign := 1
		if text != "" && (text[0] == '+' || text[0] == '-') {
			if text[0] == '-' {
				sign = -1
			}
			text = text[1:]
		}
		if text == "" || strings.Trim(text, "0123456789") != "" {
			return number{}, bad
		}
		text = strings.TrimLeft(text, "0")
		if len(text) > 6 { // far outside the range, whatever the mantissa's length
			text = "999999"
		}
		if text != "" {
			exponent, _ = strconv.Atoi(text)
		}
		exponent *= sign
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return number{}, bad
	}
	n.digits, n.exp = whole+fraction, len(whole)+exponent
	return n.normal()
}

// normal brings a number into its one form and checks that it can be stored.
func (n number) normal() (number, error) {
	trimmed := strings.TrimLeft(n.digits, "0")
	n.exp -= len(n.digits) - len(trimmed)
	n.digits = strings.TrimRight(trimmed, "0")
	switch {
	case n.digits == "":
		return number{}, nil
	case n.exp > maxExp:
		return number{}, fault{faultOverflow}
	case n.exp < minExp:
		return number{}, fault{faultUnderflow}
	case len(n.digits) > maxDigits:
		return number{}, fault{faultPrecision}
	}
	return n, nil
}

// String writes the number as AWS returns it: plain digits, never an exponent.
func (n number) String() string {
	sign := ""
	if n.neg {
		sign = "-"
	}
	switch {
	case n.digits == "":
		return "0"
	case n.exp <= 0:
		return sign + "0." + strings.Repeat("0", -n.exp) + n.digits
	case n.exp >= len(n.digits):
		return sign + n.digits + strings.Repeat("0", n.exp-len(n.digits))
	default:
		return sign + n.digits[:n.exp] + "." + n.digits[n.exp:]
	}
}

// compare orders two numbers by value: -1, 0 or 1.
func (n number) compare(m number) int {
	if n.sign() != m.sign() {
		return n.sign() - m.sign()
	}
	magnitude := 0
	switch {
	case n.exp != m.exp:
		magnitude = 1
		if n.exp < m.exp {
			magnitude = -1
		}
	default:
		magnitude = strings.Compare(n.digits, m.digits)
	}
	if n.neg {
		return -magnitude
	}
	return magnitude
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.neg:
		return -1
	}
	return 1
}

// plus adds exactly and refuses a sum that cannot be stored, as AWS does: it never rounds.
func (n number) plus(m number) (number, error) {
	if n.digits == "" {
		return m, nil
	}
	if m.digits == "" {
		return n, nil
	}
	low := min(n.exp-len(n.digits), m.exp-len(m.digits))
	sum := new(big.Int).Add(n.scaled(low), m.scaled(low))
	text := new(big.Int).Abs(sum).String()
	return number{neg: sum.Sign() < 0, digits: text, exp: len(text) + low}.normal()
}

// scaled is the number as a whole multiple of 10^low.
func (n number) scaled(low int) *big.Int {
	i, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", n.exp-len(n.digits)-low), 10)
	if n.neg {
		i.Neg(i)
	}
	return i
}

func (n number) negated() number {
	if n.digits != "" {
		n.neg = !n.neg
	}
	return n
}

// size is what the number counts against the 400 KB of an item.
func (n number) size() int {
	size := (len(n.digits)+1)/2 + 1
	if n.neg {
		size++
	}
	return size
}

func wholeNumber(n int) value {
	num, _ := parseNumber(strconv.Itoa(n))
	return value{kind: kindN, num: num}
}
