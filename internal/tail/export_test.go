package tail

import "time"

// CursorAt is a cursor that nobody was given.
func CursorAt(id int64, at time.Time) string { return place{id, at}.cursor() }

// Watched is how many tenants are watched.
func (s *Service) Watched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watches)
}
