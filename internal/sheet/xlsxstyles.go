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

const (
	maxStyles = 70_000 // spreadsheets allow 65,490
	maxCode   = 255    // bytes of a format code that is looked at; spreadsheets allow no more characters
)

// readStyles reads the number format of each cell style; a workbook may have none.
func (b *workbook) readStyles(part string) ([]cellStyle, error) {
	if b.parts[part] == nil {
		return nil, nil
	}
	formats := map[string]cellStyle{} // by id
	var out []cellStyle
	inCells := false
	err := b.walk(part, func(s *xmlScan, t xmlToken) error {
		if t == xmlText {
			return nil
		}
		switch string(s.name) {
		case "numFmt":
			if code := attrText(s.attrs, "formatCode"); t == xmlStart && len(formats) < maxStyles && len(code) <= maxCode {
				formats[attrText(s.attrs, "numFmtId")] = styleOfCode(code)
			}
		case "cellXfs":
			inCells = t == xmlStart && !s.empty
		case "xf":
			if t == xmlStart && inCells {
				if len(out) >= maxStyles {
					return damaged("too many cell styles")
				}
				id := attrText(s.attrs, "numFmtId")
				st, ok := formats[id]
				if !ok {
					st = builtInStyle(id)
				}
				out = append(out, st)
			}
		}
		return nil
	})
	return out, err
}

// builtInStyle knows the formats that have a number and no code.
func builtInStyle(id string) cellStyle {
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

// formatCode is a format code while its first section, the one for positive numbers, is read.
type formatCode struct {
	text   string
	st     cellStyle
	months bool
	masked bool // nothing but digits and fixed text so far
	mask   strings.Builder
}

// styleOfCode reads a format code.
func styleOfCode(code string) cellStyle {
	f := &formatCode{text: code, masked: true}
	for i := 0; i < len(code) && code[i] != ';'; {
		n := f.part(i)
		if n == 0 {
			return cellStyle{}
		}
		i += n
	}
	if f.months && !f.st.time {
		f.st.date = true // m is a minute beside h or s
	}
	if !f.st.date && !f.st.time && f.masked {
		f.st.mask = usefulMask(f.mask.String())
	}
	return f.st
}

// part reads what begins at i and says how long it is; 0 when the code says nothing to us.
func (f *formatCode) part(i int) int {
	rest := f.text[i:]
	switch c := rest[0]; c {
	case '"':
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return 0
		}
		literal(&f.mask, rest[1:1+end])
		return end + 2
	case '\\':
		literal(&f.mask, rest[1:min(2, len(rest))])
		return 2
	case '_', '*': // a space as wide as, or a filling with, the next character
		return 2
	case '[':
		return f.bracket(rest)
	case '0', '#', '?':
		f.mask.WriteByte(c)
		return 1
	case ' ', '-', '(', ')', '+', '/', ':':
		literal(&f.mask, rest[:1])
		return 1
	}
	f.masked = false
	return f.letter(strings.ToUpper(rest[:min(len(rest), len("GENERAL"))]))
}

// bracket reads a locale, a colour, a currency, a condition, or [h]: a span of time, which is no moment.
func (f *formatCode) bracket(rest string) int {
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return 0
	}
	inside := strings.ToUpper(rest[1:end])
	if strings.Trim(inside, "HMS") == "" {
		return 0
	}
	f.masked = f.masked && strings.HasPrefix(inside, "$-")
	return end + 1
}

// letter reads what may be a part of a date or a time.
func (f *formatCode) letter(upper string) int {
	switch {
	case strings.HasPrefix(upper, "GENERAL"):
		return 0
	case strings.HasPrefix(upper, "AM/PM"):
		f.st.time = true
		return len("AM/PM")
	}
	switch upper[0] {
	case 'Y', 'D':
		f.st.date = true
	case 'M':
		f.months = true
	case 'H', 'S':
		f.st.time = true
	}
	return 1
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
