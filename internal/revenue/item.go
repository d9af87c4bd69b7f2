package revenue

import "time"

// Item is one thing that is said of revenue: exactly one of its fields is set.
type Item struct {
	Plan         *PlanItem         `json:"plan"`
	Subscription *SubscriptionItem `json:"subscription"`
	Invoice      *InvoiceItem      `json:"invoice"`
	Charge       *ChargeItem       `json:"charge"`
	Refund       *RefundItem       `json:"refund"`
	Credit       *CreditItem       `json:"credit"`
	Rate         *RateItem         `json:"rate"`
}

// ItemKind is what an item is about, as in the schema's enum RevenueItemKind.
type ItemKind string

// The kinds of items.
const (
	PlanKind         ItemKind = "PLAN"
	SubscriptionKind ItemKind = "SUBSCRIPTION"
	InvoiceKind      ItemKind = "INVOICE"
	ChargeKind       ItemKind = "CHARGE"
	RefundKind       ItemKind = "REFUND"
	CreditKind       ItemKind = "CREDIT"
	RateKind         ItemKind = "RATE"
)

// PlanItem is what is sold, and for how much.
type PlanItem struct {
	Key           string   `json:"key"`
	Name          *string  `json:"name"`
	Amount        int64    `json:"amount"`
	Currency      string   `json:"currency"`
	Interval      Interval `json:"interval"`
	IntervalCount *int     `json:"intervalCount"`
}

// SubscriptionItem is how a subscription stands since an instant.
type SubscriptionItem struct {
	ID            string     `json:"id"`
	GroupID       string     `json:"groupId"`
	GroupType     *string    `json:"groupType"`
	Plan          string     `json:"plan"`
	Status        Status     `json:"status"`
	Quantity      *int       `json:"quantity"`
	Amount        *int64     `json:"amount"`
	Currency      *string    `json:"currency"`
	Discount      *int64     `json:"discount"`
	OccurredAt    time.Time  `json:"occurredAt"`
	StartedAt     *time.Time `json:"startedAt"`
	TrialStartsAt *time.Time `json:"trialStartsAt"`
	TrialEndsAt   *time.Time `json:"trialEndsAt"`
	PeriodEndsAt  *time.Time `json:"periodEndsAt"`
	CanceledAt    *time.Time `json:"canceledAt"`
	EndedAt       *time.Time `json:"endedAt"`
}

// InvoiceStatus is how an invoice stands, as in the schema's enum InvoiceStatus.
type InvoiceStatus string

// The statuses of invoices.
const (
	Draft         InvoiceStatus = "DRAFT"
	Unpaid        InvoiceStatus = "OPEN"
	Paid          InvoiceStatus = "PAID"
	Void          InvoiceStatus = "VOID"
	Uncollectible InvoiceStatus = "UNCOLLECTIBLE"
)

// InvoiceItem is how an invoice stands since an instant.
type InvoiceItem struct {
	ID           string        `json:"id"`
	GroupID      string        `json:"groupId"`
	GroupType    *string       `json:"groupType"`
	Subscription *string       `json:"subscription"`
	Number       *string       `json:"number"`
	Status       InvoiceStatus `json:"status"`
	Currency     string        `json:"currency"`
	OccurredAt   time.Time     `json:"occurredAt"`
	IssuedAt     time.Time     `json:"issuedAt"`
	DueAt        *time.Time    `json:"dueAt"`
	PaidAt       *time.Time    `json:"paidAt"`
	Lines        []LineItem    `json:"lines"`
}

// LineKind says whether a line comes again, as in the schema's enum InvoiceLineKind.
type LineKind string

// The kinds of lines.
const (
	Recurring LineKind = "RECURRING"
	OneOff    LineKind = "ONE_OFF"
)

// LineItem is a line of an invoice.
type LineItem struct {
	Description  *string    `json:"description"`
	Kind         LineKind   `json:"kind"`
	Plan         *string    `json:"plan"`
	Quantity     *int       `json:"quantity"`
	Amount       int64      `json:"amount"`
	Discount     *int64     `json:"discount"`
	Tax          *int64     `json:"tax"`
	PeriodFrom   *time.Time `json:"periodFrom"`
	PeriodEndsAt *time.Time `json:"periodEndsAt"`
}

// PaymentStatus is what became of a payment, as in the schema's enum PaymentStatus.
type PaymentStatus string

// The statuses of payments.
const (
	Pending   PaymentStatus = "PENDING"
	Succeeded PaymentStatus = "SUCCEEDED"
	Failed    PaymentStatus = "FAILED"
)

// ChargeItem is money that a customer paid, or was to pay.
type ChargeItem struct {
	ID         string         `json:"id"`
	GroupID    string         `json:"groupId"`
	GroupType  *string        `json:"groupType"`
	Invoice    *string        `json:"invoice"`
	Status     *PaymentStatus `json:"status"`
	Amount     int64          `json:"amount"`
	Currency   string         `json:"currency"`
	Reason     *string        `json:"reason"`
	OccurredAt time.Time      `json:"occurredAt"`
}

// RefundItem is money that went back.
type RefundItem struct {
	ID         string         `json:"id"`
	GroupID    string         `json:"groupId"`
	GroupType  *string        `json:"groupType"`
	Charge     *string        `json:"charge"`
	Invoice    *string        `json:"invoice"`
	Status     *PaymentStatus `json:"status"`
	Amount     int64          `json:"amount"`
	Currency   string         `json:"currency"`
	Reason     *string        `json:"reason"`
	OccurredAt time.Time      `json:"occurredAt"`
}

// CreditItem is money that was let off.
type CreditItem struct {
	ID         string    `json:"id"`
	GroupID    string    `json:"groupId"`
	GroupType  *string   `json:"groupType"`
	Invoice    *string   `json:"invoice"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	Reason     *string   `json:"reason"`
	OccurredAt time.Time `json:"occurredAt"`
}

// RateItem is what one unit of a base is worth in a currency from a day on.
type RateItem struct {
	Base     string `json:"base"`
	Currency string `json:"currency"`
	Day      string `json:"day"`
	Rate     string `json:"rate"`
}
