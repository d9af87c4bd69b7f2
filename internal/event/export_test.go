package event

// WaitingIn tells how many events wait, so that a test can wait until they do.
func WaitingIn(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queued
}
