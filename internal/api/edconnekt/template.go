package edconnekt

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
)

// A form is the template of one principal role (contract §9.3): what its file has in its columns, and two people for an example. A template that
// is sent back as it is imports without a fault.
type form struct {
	role    string
	columns []string
	rows    [][]string
}

var forms = []form{
	{
		"student",
		[]string{"lastname", "firstname", "email", "phone", "role_principal", "role_effectif", "cycle", "class_code", "school_year", "birth_date", "gender", "level", "account_required"},
		[][]string{
			{"Dupont", "Jean", "jean.dupont@example.com", "+221770000001", "student", "", "primary", "CM2-A", "2026-2027", "2015-03-12", "M", "CM2", "true"},
			{"Diop", "Aïssatou", "aissatou.diop@example.com", "", "student", "", "middle", "6E-B", "2026-2027", "2014-11-02", "F", "6e", "true"},
		},
	},
	{
		"parent",
		[]string{"lastname", "firstname", "email", "phone", "role_principal"},
		[][]string{
			{"Dupont", "Claire", "claire.dupont@example.com", "+221770000011", "parent"},
			{"Diop", "Mamadou", "mamadou.diop@example.com", "+221770000012", "parent"},
		},
	},
	{
		"teacher",
		[]string{"lastname", "firstname", "email", "phone", "role_principal", "role_effectif", "cycle", "class_code", "school_year"},
		[][]string{
			{"Ndiaye", "Fatou", "fatou.ndiaye@example.com", "+221770000021", "teacher", "enseignant", "primary,middle", "CM2-A", "2026-2027"},
			{"Martin", "Éloïse", "eloise.martin@example.com", "+221770000022", "teacher", "prof_principal", "high", "2NDE-1", "2026-2027"},
		},
	},
	{
		"admin_staff",
		[]string{"lastname", "firstname", "email", "phone", "role_principal", "role_effectif"},
		[][]string{
			{"Sarr", "Awa", "awa.sarr@example.com", "+221770000031", "admin_staff", "secretaire"},
			{"Bernard", "Luc", "luc.bernard@example.com", "+221770000032", "admin_staff", "dir_pedagogique"},
		},
	},
}

var errNoRole = say(http.StatusNotFound, "ROLE_NOT_FOUND", "Ce rôle n’existe pas.")

func formOf(role string) (form, error) {
	for _, f := range forms {
		if f.role == role {
			return f, nil
		}
	}
	return form{}, errNoRole
}

// mediaTypes are the formats of a template.
var mediaTypes = map[string]string{
	"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// template is GET /bulkimport/template/{role}: a file.
func (s *surface) template(q *request) (int, any, error) {
	word := q.oneOf("format_type", "csv", "csv", "xlsx")
	f, err := formOf(q.r.PathValue("role"))
	if err != nil {
		return 0, nil, err
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	format := intake.Format{Kind: intake.CSV, Delimiter: ";", Encoding: "utf-8-bom"}
	if word == "xlsx" {
		format = intake.Format{Kind: intake.XLSX, Sheet: "identities"}
	}
	var file bytes.Buffer // two rows
	if err := intake.WriteSheet(&file, format, f.columns, f.rows); err != nil {
		return 0, nil, err
	}
	h := q.w.Header()
	h.Set("Content-Type", mediaTypes[word])
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s_template.%s"`, f.role, word))
	_, _ = q.w.Write(file.Bytes()) // a client that is gone
	return http.StatusOK, nil, nil
}

// templates is GET /bulkimport/templates.
func (s *surface) templates(q *request) (int, any, error) {
	list := make([]map[string]any, len(forms))
	for i, f := range forms {
		list[i] = map[string]any{"role": f.role, "formats": []string{"csv", "xlsx"}, "columns": f.columns, "download_url": templateURL(f.role)}
	}
	return http.StatusOK, map[string]any{"success": true, "message": nil, "templates": list, "data": list}, nil
}

func templateURL(role string) string {
	return "/identity/api/v1/identity/bulkimport/template/" + role
}

// templateInfo is GET /bulkimport/template/{role}/info.
func (s *surface) templateInfo(q *request) (int, any, error) {
	f, err := formOf(q.r.PathValue("role"))
	if err != nil {
		return 0, nil, err
	}
	catalogue, err := s.Roster.Catalogue(q.ctx, q.caller)
	if err != nil {
		return 0, nil, err
	}
	examples := make([]map[string]string, len(f.rows))
	for i, row := range f.rows {
		examples[i] = map[string]string{}
		for n, column := range f.columns {
			examples[i][column] = row[n]
		}
	}
	return http.StatusOK, map[string]any{
		"success": true, "message": "Modèle d’import pour " + f.role, "download_url": templateURL(f.role),
		"template_info": map[string]any{
			"role": f.role, "format": "csv", "columns": f.columns, "example_data": examples, "role_mapping": byPrincipal(catalogue)[f.role],
		},
	}, nil
}

// byPrincipal says which effective roles go with each principal role.
func byPrincipal(c roster.Catalogue) map[string][]string {
	by := map[string][]string{}
	for _, role := range c.Roles(kind) {
		by[role.Code] = []string{}
		for _, secondary := range c.Secondaries(kind) {
			if len(secondary.Of) == 0 || slices.Contains(secondary.Of, role.Code) {
				by[role.Code] = append(by[role.Code], secondary.Code)
			}
		}
	}
	return by
}
