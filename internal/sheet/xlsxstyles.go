package sheet

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// cellStyle is what a number format means for us: most formats only decorate a number, but some make it a date, and a mask of zeros gives a phone
// number or a postal code the digits that the number itself has lost.
type cellStyle struct {
	date, time bool
	mask       string
}

const maxStyles = 70_000 // spreadsheets allow 65,490

// readStyles reads the number format of each cell style; a workbook may have none.
func (b *workbook) readStyles(part string) ([]cellStyle, error) {
	if b.parts[part] == nil {
		return nil, nil
	}
	codes := map[string]string{}
	var out []cellStyle
	inCells := false
	err := b.walk(part, func(s *xmlScan, t xmlToken) error {
		if t == xmlText {
			return nil
		}
		switch string(s.name) {
		case "numFmt":
			if t == xmlStart && len(codes) < maxStyles {
				codes[attrText(s.attrs, "numFmtId")] = attrText(s.attrs, "formatCode")
			}
		case "cellXfs":
			inCells = t == xmlStart && !s.empty
		case "xf":
			if t == xmlStart && inCells {
				if len(out) >= maxStyles {
					return damaged("too many cell styles")
				}
				id := attrText(s.attrs, "numFmtId")
				out = append(out, styleOf(id, codes[id]))
			}
		}
		return nil
	})
	return out, err
}

// styleOf knows the formats that have a number and no code, and reads the code of the others.
func styleOf(id, code string) cellStyle {
	if code != "" {
		return styleOfCode(code)
	}
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
		return cellStyle{}
	case n >= 14 && n <= 17, n >= 27 && n <= 31, n == 36, n >= 50 && n <= 54, n == 57, n == 58:
		return cellStyle{date: true}
	case n >= 18 && n <= 21, n >= 32 && n <= 35, n == 55, n == 56:
		return cellStyle{time: true}
	case n == 22:
		return cellStyle{date: true, time: true}
	}
	return cellStyle{}
}

// styleOfCode reads the first section of a format code, the one for positive numbers.
func styleOfCode(code string) cellStyle {
	var st cellStyle
	var mask strings.Builder
	masked, months := true, false
	upper := strings.ToUpper(code)
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			i = len(code)
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return cellStyle{}
			}
			literal(&mask, code[i+1:i+1+end])
			i += end + 1
		case '\\':
			if i+1 < len(code) {
				literal(&mask, code[i+1:i+2])
			}
			i++
		case '_', '*': // a space as wide as, or a filling with, the next character
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return cellStyle{}
			}
			inside := upper[i+1 : i+end]
			switch {
			case strings.Trim(inside, "HMS") == "": // a span of time, not a moment
				return cellStyle{}
			case !strings.HasPrefix(inside, "$-"): // a colour, a currency or a condition
				masked = false
			}
			i += end
		case '0', '#', '?':
			mask.WriteByte(c)
		case ' ', '-', '(', ')', '+', '/', ':':
			literal(&mask, code[i:i+1])
		default:
			masked = false
			if strings.HasPrefix(upper[i:], "AM/PM") {
				st.time = true
				i += len("AM/PM") - 1
				continue
			}
			switch upper[i] {
			case 'G':
				if strings.HasPrefix(upper[i:], "GENERAL") {
					return cellStyle{}
				}
			case 'Y', 'D':
				st.date = true
			case 'M':
				months = true
			case 'H', 'S':
				st.time = true
			}
		}
	}
	if months && !st.time {
		st.date = true // m is a minute beside h or s
	}
	if !st.date && !st.time && masked {
		st.mask = usefulMask(mask.String())
	}
	return st
}

// literal writes text of a mask, marked so that it is not taken for a digit.
func literal(mask *strings.Builder, text string) {
	for i := range len(text) {
		mask.WriteByte('\\')
		mask.WriteByte(text[i])
	}
}

// usefulMask leaves out masks that show a whole number as it is anyway.
func usefulMask(mask string) string {
	digits := strings.Count(mask, "0") + strings.Count(mask, "#")
	if digits < 2 || !strings.Contains(mask, "0") || len(mask) > 200 || strings.Trim(mask, "#") == "0" {
		return ""
	}
	return mask
}

// apply lays the digits of a whole number under the mask, from the right.
func applyMask(mask, digits string) string {
	out := make([]byte, 0, len(mask)+len(digits))
	slots := 0
	for i := 0; i < len(mask); i++ {
		if mask[i] == '\\' {
			i++
		} else {
			slots++
		}
	}
	spare := len(digits) - slots // what does not fit stands before the first place
	for i := 0; i < len(mask); i++ {
		if mask[i] == '\\' {
			i++
			out = append(out, mask[i])
			continue
		}
		if spare > 0 {
			out = append(out, digits[:spare]...)
			digits, spare = digits[spare:], 0
		}
		switch {
		case slots <= len(digits):
			out = append(out, digits[0])
			digits = digits[1:]
		case mask[i] == '0':
			out = append(out, '0')
		}
		slots--
	}
	return strings.TrimSpace(string(out))
}

// number writes a number cell as a person would: whole numbers exactly, dates as 2006-01-02, never in exponents.
func (b *workbook) number(raw string, style int) string {
	raw = strings.TrimSpace(raw)
	var st cellStyle
	if style >= 0 && style < len(b.styles) {
		st = b.styles[style]
	}
	if st.date || st.time {
		if text, ok := moment(raw, st, b.date1904); ok {
			return text
		}
	}
	text := plainDecimal(raw)
	if st.mask != "" && onlyDigits(text) {
		return applyMask(st.mask, text)
	}
	return text
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// plainDecimal writes a number without exponent, to the 15 digits that a spreadsheet shows.
func plainDecimal(raw string) string {
	if onlyDigits(strings.TrimPrefix(raw, "-")) {
		return raw
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || math.Abs(f) >= 1e21 || f != 0 && math.Abs(f) < 1e-15 {
		return raw
	}
	if f == math.Trunc(f) {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	if short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64); err == nil {
		f = short
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// moment reads a serial number of days. Day 60 of the 1900 calendar is a 29 February that never was; before it days count from one day later.
func moment(raw string, st cellStyle, from1904 bool) (string, bool) {
	serial, err := strconv.ParseFloat(raw, 64)
	if err != nil || !(serial >= 0 && serial < 2_958_466) { // the year 10000
		return "", false
	}
	days, fraction := math.Modf(serial)
	seconds := int(math.Round(fraction * 86400))
	if !st.date {
		if days > 0 {
			return "", false
		}
		return time.Unix(int64(seconds), 0).UTC().Format(time.TimeOnly), true
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	day := epoch.AddDate(0, 0, int(days))
	if !st.time || seconds == 0 {
		return day.Format(time.DateOnly), true
	}
	return day.Add(time.Duration(seconds) * time.Second).Format("2006-01-02T15:04:05"), true
}
