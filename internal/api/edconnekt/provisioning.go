package edconnekt

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
)

// The provisioning service (contract §4). Its batches are orders of internal/provision.
func (s *surface) provisioning() {
	p := provisioningService
	s.route(p, http.MethodPost, "/batches", selection, s.createBatch)
	s.route(p, http.MethodGet, "/batches", selection, s.listBatches)
	s.route(p, http.MethodPost, "/batches/{batch_id}/run", selection, s.runBatch)
	s.route(p, http.MethodGet, "/batches/{batch_id}/items", selection, s.listItems)
	s.route(p, http.MethodPost, "/generate-username", selection, s.generateUsername)
	if s.TestItems {
		s.route(p, http.MethodPost, "/batches/{batch_id}/test-items", selection, s.createTestItem)
	}
}

// Bounds of the lists (contract §4.5): none are declared, so that too much is reduced and not refused.
const (
	listed     = 100
	listedMost = 1000
)

var (
	errNoSource = say(http.StatusNotFound, "IDENTITY_BATCH_NOT_FOUND", "Batch d'identités non trouvé")
	errNoBatch  = say(http.StatusNotFound, "BATCH_NOT_FOUND", "Batch non trouvé")
)

// notFound puts this surface's words in the place of those for an object that is unknown, or went while it was asked for.
func notFound(err, words error) error {
	if code := muster.CodeOf(err); code == muster.NotFound || code == muster.Gone {
		return words
	}
	return err
}

// createBatch is P3. The same source gives the same batch again, with items for the identities that have come since.
func (s *surface) createBatch(q *request) (int, any, error) {
	b, err := q.object(notModel)
	if err != nil {
		return 0, nil, err
	}
	source := b.id("source_identity_batch_id")
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	order, err := s.Provision.Order(q.ctx, q.bySubject(), source)
	if err != nil {
		return 0, nil, notFound(err, errNoSource)
	}
	return http.StatusOK, batchOf(order), nil
}

// skipAndLimit reads the window of a bare list.
func (c *checks) skipAndLimit() (skip, limit int) {
	return c.number("skip", 0, 0, most), min(c.number("limit", listed, 0, most), listedMost)
}

// listBatches is P4: newest first.
func (s *surface) listBatches(q *request) (int, any, error) {
	skip, limit := q.skipAndLimit()
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	list := []batchView{}
	if limit == 0 {
		return http.StatusOK, list, nil
	}
	orders, err := s.Provision.Orders(q.ctx, q.caller, s.scope(q), skip, limit)
	for _, o := range orders {
		list = append(list, batchOf(o))
	}
	return http.StatusOK, list, err
}

// runBatch is P5. The work goes on in the background; asking again is normal.
func (s *surface) runBatch(q *request) (int, any, error) {
	id := q.pathID("batch_id")
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	run, err := s.Provision.RunOrder(q.ctx, q.caller, id)
	if err != nil {
		return 0, nil, notFound(err, errNoBatch)
	}
	message := map[provision.RunStatus]string{
		provision.RunStarted: "Provisioning lancé.", provision.RunUnderWay: "Le provisioning est déjà en cours.", provision.RunNotNeeded: "Aucun compte à provisionner.",
	}[run.Status]
	return http.StatusOK, map[string]any{
		"batch_id": id, "status": run.Status, "total": run.Total, "enqueued": run.Enqueued, "message": message,
	}, nil
}

// listItems is P6: in the order of the file.
func (s *surface) listItems(q *request) (int, any, error) {
	id := q.pathID("batch_id")
	skip, limit := q.skipAndLimit()
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	items, err := s.Provision.OrderItems(q.ctx, q.caller, id, skip, limit)
	if err != nil {
		return 0, nil, notFound(err, errNoBatch)
	}
	list := make([]itemView, len(items))
	for i := range items {
		list[i] = itemOf(id, &items[i])
	}
	return http.StatusOK, list, nil
}

// generateUsername is P7: a preview, which reserves nothing.
func (s *surface) generateUsername(q *request) (int, any, error) {
	names := muster.Names{First: q.text("firstname", true), Last: q.text("lastname", true), Email: q.text("email", false)}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	username, err := s.Roster.Preview(q.ctx, q.caller, names)
	if code := muster.CodeOf(err); code == muster.Required || code == muster.Invalid {
		q.fault([]any{"query", "firstname"}, "value_error", "Value error, "+french.Error(muster.Faults(err)[0]), shown(names.First), nil)
		return 0, nil, q.err()
	}
	return http.StatusOK, map[string]string{"username": username}, err
}

// createTestItem is P8, for tests: an item for somebody who is in the directory.
func (s *surface) createTestItem(q *request) (int, any, error) {
	id := q.pathID("batch_id")
	b, err := q.object(notDictionary)
	if err != nil {
		return 0, nil, err
	}
	person := b.id("identity_id")
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	item, err := s.Provision.AddToOrder(q.ctx, q.caller, id, person)
	if err != nil {
		if f := muster.Faults(err)[0]; f.Code == muster.NotFound && f.Field == "person" {
			return 0, nil, say(http.StatusNotFound, "IDENTITY_NOT_FOUND", "Identité non trouvée")
		}
		return 0, nil, notFound(err, errNoBatch)
	}
	return http.StatusOK, itemOf(id, &item), nil
}

// batchView is a ProvisioningBatch: it has no status.
type batchView struct {
	ID        uuid.UUID `json:"id"`
	Source    uuid.UUID `json:"source_identity_batch_id"`
	CreatedBy string    `json:"created_by"`
	CreatedAt string    `json:"created_at"`
}

func batchOf(o provision.OrderView) batchView {
	return batchView{o.ID, o.SourceID, createdBy(o.Batch.Batch.Owner), timestamp(o.CreatedAt)}
}

// itemView is a ProvisioningItem: every key is always there.
type itemView struct {
	ID            uuid.UUID `json:"id"`
	Batch         uuid.UUID `json:"provisioning_batch_id"`
	Identity      uuid.UUID `json:"identity_id"`
	Domain        string    `json:"domain"`
	Establishment string    `json:"establishment_id"`
	ExternalID    string    `json:"external_id"`
	FirstName     *string   `json:"firstname"`
	LastName      *string   `json:"lastname"`
	Email         *string   `json:"email"`
	KCUsername    *string   `json:"kc_username"`
	KCUserID      *string   `json:"kc_user_id"`
	Role          *string   `json:"role_principal_code"`
	Status        string    `json:"prov_status"`
	LastError     *string   `json:"last_error"`
	CreatedAt     string    `json:"created_at"`
	UpdatedAt     string    `json:"updated_at"`
}

func itemOf(batch uuid.UUID, i *provision.OrderItem) itemView {
	p := &i.Person
	v := itemView{
		ID: i.ID, Batch: batch, Identity: p.ID, Domain: i.Role, ExternalID: cmp.Or(externalID(&p.Person), p.Code), FirstName: orNull(p.FirstName), LastName: orNull(p.LastName),
		Email: orNull(p.Email), Role: orNull(i.Role), Status: statusOf(i), LastError: orNull(lastError(i)), CreatedAt: timestamp(i.CreatedAt), UpdatedAt: timestamp(i.UpdatedAt),
	}
	if i.Unit != (uuid.UUID{}) {
		v.Establishment = i.Unit.String()
	}
	if a := i.Account; a != nil {
		v.KCUsername, v.KCUserID = orNull(cmp.Or(a.Username, p.Username)), orNull(a.ExternalID)
	}
	return v
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// The values of prov_status (contract §5).
const (
	enqueued  = "ENQUEUED"
	kcCreated = "KC_CREATED"
	kcUpdated = "KC_UPDATED"
	sent      = "INVITE_SENT"
	pending   = "PENDING_ACTIVATION"
	activated = "ACTIVATED"
	expired   = "EXPIRED"
	disabled  = "DISABLED"
	failed    = "ERROR"
)

// statusOf computes prov_status from the item, its account and how far its person has come. It is stored nowhere.
func statusOf(i *provision.OrderItem) string {
	a := i.Account
	switch {
	case i.State == muster.FailedItem, i.State == muster.SkippedItem:
		return failed
	case i.State != muster.DoneItem || a == nil:
		return enqueued
	case a.State == muster.FailedAccount, a.State == muster.ConflictAccount: // by a change that came later
		return failed
	case a.Pushed["enabled"] != true, a.State == muster.ReleasedAccount:
		return disabled
	}
	switch a.Activation.State {
	case muster.ActivationSent:
		return sent
	case muster.ActivationDone:
		return activated
	case muster.ActivationExpired:
		return expired
	case muster.ActivationFailed:
		return failed
	case muster.ActivationOwed:
		if i.Change.Action == muster.Create {
			return kcCreated
		}
		return kcUpdated
	}
	return pending // nobody is mailed, or the person has begun
}

// lastError says in French, in one line, why an item stands at ERROR.
func lastError(i *provision.OrderItem) string {
	var e *muster.Error
	switch {
	case statusOf(i) != failed:
		return ""
	case len(i.Reasons) > 0:
		e = i.Reasons[0]
	case i.Account != nil && i.Account.LastError != nil:
		e = i.Account.LastError
	case i.Account != nil && i.Account.Activation.LastError != nil:
		e = i.Account.Activation.LastError
	default:
		return "Échec du provisioning."
	}
	return strings.Join(strings.Fields(french.Error(e)), " ")
}
