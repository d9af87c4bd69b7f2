package customer

// InSmallSteps makes an eraser take a few events at a time.
func InSmallSteps(e *Eraser) *Eraser {
	return &Eraser{e.worker, steps{erasures: 2, seen: 7, events: 2, changes: 2}}
}
