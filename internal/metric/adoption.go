package metric

// everybody reads active users, whatever a question tells them by or lets through: what the
// adoption of a feature is a share of.
var everybody = func() *Reader {
	r := *activeUsers
	r.Whole = true
	return &r
}()
