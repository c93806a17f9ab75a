package store

// Scans says whether a query has to look through everybody in its scope: it asks for a part of a text, for an order without an index, or for a page
// by its number.
func (q PeopleQuery) Scans() bool {
	return q.Search != "" || q.FirstName != "" || q.LastName != "" || q.EmailPart != "" || len(q.States) > 0 || q.Reason != "" || q.NotReason != "" || q.Role != "" || q.Offset != 0
}
