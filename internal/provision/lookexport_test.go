package provision

// Looking says at how many targets this process looks now.
func (p *Provision) Looking() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.looking)
}
