package auth

// Settle waits for the fetches under way.
func (v *Verifier) Settle() { v.done.Wait() }
