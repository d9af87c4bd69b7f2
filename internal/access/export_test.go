package access

// Watched tells how many keys are watched, so that a test can wait until they are not.
func Watched(w *Watcher) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.watched)
}

// BelievedFor is how long an answer of the database is believed.
const BelievedFor = believedFor
