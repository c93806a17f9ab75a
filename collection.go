package muster

import (
	"maps"
	"slices"
	"strings"
)

// Bounds of the lists a person carries.
const (
	MaxPhones     = 32
	MaxAddresses  = 32
	MaxAttributes = 512 // custom attributes, and flags
	maxName       = 64  // of an attribute, flag or type
)

func getPhones(p *Person) any {
	if len(p.Profile.Phones) == 0 {
		return nil
	}
	return p.Profile.Phones
}

func setPhones(p *Person, v any) *Error {
	if list, ok := v.([]Phone); ok { // our own, as it was read from a Record
		p.Profile.Phones = slices.Clone(list)
		return nil
	}
	list, err := objects("phones", v, MaxPhones)
	if err != nil {
		return err
	}
	phones := make([]Phone, 0, len(list))
	for i, o := range list {
		var one Phone
		path := at("phones", i)
		if err := texts(path, o, map[string]*string{"type": &one.Type, "number": &one.Number}); err != nil {
			return err
		}
		if one.Number != "" {
			phones = append(phones, one)
		}
	}
	p.Profile.Phones = phones
	return nil
}

// setPhone sets the one number of a type, and clears it when empty.
func setPhone(p *Person, field, kind string, v any) *Error {
	number, err := asText(field, v, MaxText)
	if err != nil {
		return err
	}
	phones := slices.Clone(p.Profile.Phones)
	i := slices.IndexFunc(phones, func(x Phone) bool { return x.Type == kind })
	switch {
	case number == "" && i >= 0:
		phones = slices.Delete(phones, i, i+1)
	case number == "":
	case i >= 0:
		phones[i].Number = number
	case len(phones) >= MaxPhones:
		return Errorf(TooLong, field, "A person has at most %d phone numbers.", MaxPhones)
	default:
		phones = append(phones, Phone{Type: kind, Number: number})
	}
	p.Profile.Phones = phones
	return nil
}

func getAddresses(p *Person) any {
	if len(p.Profile.Addresses) == 0 {
		return nil
	}
	return p.Profile.Addresses
}

func setAddresses(p *Person, v any) *Error {
	if list, ok := v.([]Address); ok {
		p.Profile.Addresses = slices.Clone(list)
		return nil
	}
	list, err := objects("addresses", v, MaxAddresses)
	if err != nil {
		return err
	}
	addresses := make([]Address, len(list))
	for i, o := range list {
		a := &addresses[i]
		parts := map[string]*string{"type": &a.Type}
		for _, part := range addressParts {
			parts[part] = addressPart(a, part)
		}
		if err := texts(at("addresses", i), o, parts); err != nil {
			return err
		}
	}
	p.Profile.Addresses = addresses
	return nil
}

var addressParts = []string{"po_box", "extended", "street", "locality", "region", "postal_code", "country"}

func addressPart(a *Address, part string) *string {
	switch part {
	case "po_box":
		return &a.POBox
	case "extended":
		return &a.Extended
	case "street":
		return &a.Street
	case "locality":
		return &a.Locality
	case "region":
		return &a.Region
	case "postal_code":
		return &a.PostalCode
	case "country":
		return &a.Country
	}
	return nil
}

// setAddressPart sets one part of the one address of a type; an address left without parts goes.
func setAddressPart(p *Person, field, kind, part string, v any) *Error {
	value, err := asText(field, v, MaxText)
	if err != nil {
		return err
	}
	addresses := slices.Clone(p.Profile.Addresses)
	i := slices.IndexFunc(addresses, func(a Address) bool { return a.Type == kind })
	if i < 0 {
		if value == "" {
			return nil
		}
		if len(addresses) >= MaxAddresses {
			return Errorf(TooLong, field, "A person has at most %d addresses.", MaxAddresses)
		}
		addresses, i = append(addresses, Address{Type: kind}), len(addresses)
	}
	to := addressPart(&addresses[i], part)
	if to == nil {
		return Errorf(Unsupported, field, "An address has no part of this name; it has %s.", strings.Join(addressParts, ", "))
	}
	*to = value
	if addresses[i] == (Address{Type: kind}) {
		addresses = slices.Delete(addresses, i, i+1)
	}
	p.Profile.Addresses = addresses
	return nil
}

func getAttributes(p *Person) any {
	if len(p.Profile.Attributes) == 0 {
		return nil
	}
	return p.Profile.Attributes
}

// setAttributes replaces all custom attributes.
func setAttributes(p *Person, v any) *Error {
	given, ok := v.(map[string]any)
	if !ok && v != nil {
		return Errorf(Invalid, "attributes", "An object of names and texts is expected here, not %s.", kindOf(v))
	}
	p.Profile.Attributes = nil
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := setAttribute(p, name, given[name]); err != nil {
			return err
		}
	}
	return nil
}

func setAttribute(p *Person, name string, v any) *Error {
	field := "attributes." + name
	value, err := asText(field, v, MaxText)
	if err == nil {
		err = checkName(field, name)
	}
	if err != nil {
		return err
	}
	attributes := maps.Clone(p.Profile.Attributes)
	if value == "" {
		delete(attributes, name)
	} else {
		if attributes == nil {
			attributes = make(map[string]string, 4)
		}
		attributes[name] = value
	}
	if len(attributes) > MaxAttributes {
		return Errorf(TooLong, field, "A person has at most %d attributes.", MaxAttributes)
	}
	p.Profile.Attributes = attributes
	return nil
}

func getFlags(p *Person) any {
	if len(p.Profile.Flags) == 0 {
		return nil
	}
	return p.Profile.Flags
}

// setFlags replaces all flags.
func setFlags(p *Person, v any) *Error {
	given, ok := v.(map[string]any)
	if !ok && v != nil {
		return Errorf(Invalid, "flags", "An object is expected here, not %s.", kindOf(v))
	}
	p.Profile.Flags = nil
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := setFlag(p, name, given[name]); err != nil {
			return err
		}
	}
	return nil
}

func setFlag(p *Person, name string, v any) *Error {
	if err := checkName("flags."+name, name); err != nil {
		return err
	}
	flags := maps.Clone(p.Profile.Flags)
	if v == nil {
		delete(flags, name)
	} else {
		if flags == nil {
			flags = make(map[string]any, 4)
		}
		flags[name] = v
	}
	if len(flags) > MaxAttributes {
		return Errorf(TooLong, "flags", "A person has at most %d flags.", MaxAttributes)
	}
	p.Profile.Flags = flags
	return nil
}

func checkName(field, name string) *Error {
	if name == "" || len(name) > maxName {
		return Errorf(Invalid, field, "The name of an attribute has 1 to %d characters.", maxName)
	}
	return checkCharacters(field, name)
}

// objects takes a JSON value as a list of objects; nil is an empty one.
func objects(field string, v any, most int) ([]map[string]any, *Error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, Errorf(Invalid, field, "A list of objects is expected here, not %s.", kindOf(v))
	}
	if len(list) > most {
		return nil, Errorf(TooLong, field, "At most %d entries fit here; this has %d.", most, len(list))
	}
	result := make([]map[string]any, len(list))
	for i, e := range list {
		o, ok := e.(map[string]any)
		if !ok {
			return nil, Errorf(Invalid, at(field, i), "An object is expected here, not %s.", kindOf(e))
		}
		result[i] = o
	}
	return result, nil
}

// texts reads the named texts of an object and refuses any other name.
func texts(path string, o map[string]any, to map[string]*string) *Error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		where := to[name]
		if where == nil {
			return Errorf(Unsupported, path+"."+name, "There is no field of this name.")
		}
		s, err := asText(path+"."+name, o[name], MaxText)
		if err != nil {
			return err
		}
		*where = s
	}
	return nil
}

func at(list string, i int) string { return list + "[" + itoa(i) + "]" }
