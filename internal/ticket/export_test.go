package ticket

// Check completes an item of a source called desk.
var Check = func(item Item) (Item, error) {
	item, problem := check(item, "desk")
	if problem == nil {
		return item, nil
	}
	return item, problem
}
