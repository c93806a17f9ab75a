package muster

import "strings"

// PhoneKey is what two spellings of one telephone number have in common: its digits, with a + before them where the number begins with the code of
// a country, whether that was written + or 00. It is "" where there are no digits. A number without the code of its country is another one than
// with it: only a person can tell.
func PhoneKey(number string) string {
	number = strings.TrimSpace(number)
	international := strings.HasPrefix(number, "+")
	if international {
		number = strings.Replace(number, "(0)", "", 1) // +33 (0)6: dialled without the 0 from abroad
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if rest, abroad := strings.CutPrefix(digits, "00"); abroad && !international {
		digits, international = rest, true
	}
	if digits == "" || !international {
		return digits
	}
	return "+" + digits
}

// PhoneKey is the key of the person's first number, and "" when there is none.
func (p *Person) PhoneKey() string {
	if len(p.Profile.Phones) == 0 {
		return ""
	}
	return PhoneKey(p.Profile.Phones[0].Number)
}
