package archive

// KeptFrom is for tests.
var KeptFrom = keptFrom
