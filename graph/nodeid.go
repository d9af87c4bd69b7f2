package graph

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The types of nodes, as they stand in ids. An id is the base64 of "type:key".
const (
	tenantNode = "tenant"
	metricNode = "metric"
	eventNode  = "event"
	partNode   = "archivePart"
	keyNode    = "key"

	eventTypeNode    = "eventtype"
	schemaChangeNode = "change"
	planNode         = "plan"
	quarantinedNode  = "quarantined"

	personNode   = "person"
	identityNode = "identity"
	accountNode  = "account"
	mergeNode    = "merge"
	erasureNode  = "erasure"
	noteNode     = "note"
	ticketNode   = "ticket"

	documentNode = "document"
	auditNode    = "audit"
	reportNode   = "report"
	shareNode    = "share"
	summaryNode  = "summary"

	cohortNode     = "cohort"
	evaluationNode = "evaluation"

	healthChangeNode = "healthchange"

	memberNode     = "member"
	invitationNode = "invitation"
	roleNode       = "role"
	providerNode   = "provider"
	sessionNode    = "session"

	pricePlanNode    = "price"
	subscriptionNode = "subscription"
	invoiceNode      = "invoice"
	paymentNode      = "payment"
	movementNode     = "movement"
	rateNode         = "rate"
)

func nodeID(kind, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + key))
}

func numberID(kind string, n int64) string { return nodeID(kind, decimal(n)) }

// decimal writes a number as a key; parseNumber reads it.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// errNoNode is the one answer to an id that is malformed, of another tenant, or of nothing.
var errNoNode = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

func parseNodeID(id string) (kind, key string, err error) {
	text, ok := decodeStrictly(id)
	if !ok {
		return "", "", errNoNode
	}
	kind, key, ok = strings.Cut(text, ":")
	if !ok {
		return "", "", errNoNode
	}
	return kind, key, nil
}

// parseNumber reads a key that is a number, in the one form that we write.
func parseNumber(key string) (int64, bool) {
	n, err := strconv.ParseInt(key, 10, 64)
	return n, err == nil && decimal(n) == key
}

// parseUUID reads a key that is a UUID, in the one form that we write.
func parseUUID(key string) (uuid.UUID, error) {
	id, err := uuid.Parse(key)
	if err != nil || id.String() != key {
		return id, errNoNode
	}
	return id, nil
}

// numberOf reads an argument that must be the id of a thing of this kind.
func numberOf(kind, argument, id string) (int64, error) {
	if k, key, err := parseNodeID(id); err == nil && k == kind {
		if n, ok := parseNumber(key); ok {
			return n, nil
		}
	}
	return 0, errNoNode.In(argument)
}

// decodeStrictly takes base64 only in the one form that we write: an id has one spelling.
func decodeStrictly(text string) (string, bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	return string(decoded), err == nil && base64.RawURLEncoding.EncodeToString(decoded) == text
}

// positionKey writes an event's position, for its id and its cursor.
func positionKey(p event.Position) string {
	return fmt.Sprintf("%d.%d", p.OccurredAt.UnixMicro(), p.ID)
}

func parsePosition(key string) (p event.Position, ok bool) {
	micros, id, ok := strings.Cut(key, ".")
	if !ok {
		return p, false
	}
	at, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return p, false
	}
	p.OccurredAt = time.UnixMicro(at).UTC()
	if p.OccurredAt.Year() < 2000 || p.OccurredAt.Year() > 9999 {
		return p, false
	}
	p.ID, err = strconv.ParseInt(id, 10, 64)
	return p, err == nil && positionKey(p) == key
}
