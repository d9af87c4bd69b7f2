package audit

import "slices"

// Action is what was done, as in the schema's enum AuditAction.
type Action string

// The actions. One that a new kind of change needs is added here and to the schema.
const (
	// Denied: a change was asked for without the permission that it needs.
	Denied Action = "DENIED"

	SignedIn          Action = "SIGNED_IN"
	SignInFailed      Action = "SIGN_IN_FAILED"
	SignedOut         Action = "SIGNED_OUT"
	SessionEnded      Action = "SESSION_ENDED"  // by somebody, or because its time was over
	SessionReused     Action = "SESSION_REUSED" // a refresh token came twice: the session was ended
	TenantSwitched    Action = "TENANT_SWITCHED"
	ImpersonationOn   Action = "IMPERSONATION_BEGUN"
	ImpersonationOff  Action = "IMPERSONATION_ENDED"
	PasswordChanged   Action = "PASSWORD_CHANGED"
	PasswordReset     Action = "PASSWORD_RESET"
	SecondFactorOn    Action = "SECOND_FACTOR_ENABLED"
	SecondFactorOff   Action = "SECOND_FACTOR_DISABLED"
	RecoveryCodesMade Action = "RECOVERY_CODES_MADE"
	RecoveryCodeUsed  Action = "RECOVERY_CODE_USED"

	MemberInvited      Action = "MEMBER_INVITED"
	InvitationRevoked  Action = "INVITATION_REVOKED"
	InvitationAccepted Action = "INVITATION_ACCEPTED"
	MemberChanged      Action = "MEMBER_CHANGED"
	MemberRemoved      Action = "MEMBER_REMOVED"
	RoleCreated        Action = "ROLE_CREATED"
	RoleChanged        Action = "ROLE_CHANGED"
	RoleRemoved        Action = "ROLE_REMOVED"
	ProviderCreated    Action = "PROVIDER_CREATED" // of identities
	ProviderRemoved    Action = "PROVIDER_REMOVED"

	KeyCreated Action = "KEY_CREATED"
	KeyRotated Action = "KEY_ROTATED"
	KeyRevoked Action = "KEY_REVOKED"
	KeyMisused Action = "KEY_MISUSED" // used outside of its pattern

	TenantCreated    Action = "TENANT_CREATED"
	TenantChanged    Action = "TENANT_CHANGED"
	TenantSuspended  Action = "TENANT_SUSPENDED"
	TenantResumed    Action = "TENANT_RESUMED"
	RetentionChanged Action = "RETENTION_CHANGED"
	LimitsChanged    Action = "LIMITS_CHANGED"

	DocumentRegistered Action = "DOCUMENT_REGISTERED"
	DocumentRemoved    Action = "DOCUMENT_REMOVED"
	DocumentsEnforced  Action = "DOCUMENTS_ENFORCED" // whether registered documents alone are taken

	ReportCreated  Action = "REPORT_CREATED"
	ReportChanged  Action = "REPORT_CHANGED"
	ReportRemoved  Action = "REPORT_REMOVED"
	ReportShared   Action = "REPORT_SHARED"
	ReportUnshared Action = "REPORT_UNSHARED"

	MetricCreated Action = "METRIC_CREATED" // by the tenant
	MetricChanged Action = "METRIC_CHANGED"
	MetricRemoved Action = "METRIC_REMOVED"

	CohortCreated Action = "COHORT_CREATED"
	CohortChanged Action = "COHORT_CHANGED"
	CohortAsked   Action = "COHORT_ASKED"
	CohortRemoved Action = "COHORT_REMOVED"

	HealthModelSet     Action = "HEALTH_MODEL_SET"
	HealthOverridden   Action = "HEALTH_OVERRIDDEN" // a person's score holds instead of the calculated one
	HealthOverrideOver Action = "HEALTH_OVERRIDE_ENDED"

	PeopleMerged        Action = "PEOPLE_MERGED"
	MergeUndone         Action = "MERGE_UNDONE"
	IdentityDetached    Action = "IDENTITY_DETACHED"
	IdentityReattached  Action = "IDENTITY_REATTACHED"
	PersonErased        Action = "PERSON_ERASED"
	OwnerSet            Action = "OWNER_SET" // who looks after a customer
	NoteAdded           Action = "NOTE_ADDED"
	NoteChanged         Action = "NOTE_CHANGED"
	NoteRemoved         Action = "NOTE_REMOVED"
	PlanSaved           Action = "PLAN_SAVED"
	QuarantineReleased  Action = "QUARANTINE_RELEASED"
	QuarantineDiscarded Action = "QUARANTINE_DISCARDED"
	SamplesForgotten    Action = "SAMPLES_FORGOTTEN"

	AuditExported Action = "AUDIT_EXPORTED"
)

// actions are all of them, in the order of the schema.
var actions = []Action{
	Denied, SignedIn, SignInFailed, SignedOut, SessionEnded, SessionReused, TenantSwitched,
	ImpersonationOn, ImpersonationOff, PasswordChanged, PasswordReset,
	SecondFactorOn, SecondFactorOff, RecoveryCodesMade, RecoveryCodeUsed, MemberInvited, InvitationRevoked,
	InvitationAccepted, MemberChanged, MemberRemoved, RoleCreated, RoleChanged, RoleRemoved, ProviderCreated, ProviderRemoved, KeyCreated,
	KeyRotated, KeyRevoked, KeyMisused, TenantCreated, TenantChanged, TenantSuspended, TenantResumed,
	RetentionChanged, LimitsChanged, DocumentRegistered, DocumentRemoved, DocumentsEnforced,
	ReportCreated, ReportChanged, ReportRemoved, ReportShared, ReportUnshared, MetricCreated, MetricChanged, MetricRemoved,
	CohortCreated, CohortChanged, CohortAsked, CohortRemoved, HealthModelSet, HealthOverridden, HealthOverrideOver, PeopleMerged, MergeUndone,
	IdentityDetached, IdentityReattached, PersonErased, OwnerSet, NoteAdded, NoteChanged, NoteRemoved, PlanSaved, QuarantineReleased, QuarantineDiscarded,
	SamplesForgotten, AuditExported,
}

// AllActions lists every action.
func AllActions() []Action { return slices.Clone(actions) }
