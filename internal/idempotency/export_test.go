package idempotency

// MaxAnswer is the size of an answer that is kept.
const MaxAnswer = maxAnswer
