package main

type migrateCommand struct{}

// Run brings the database's schema to this program's version. It may run while
// another process of the same version serves.
func (migrateCommand) Run(p *program) error {
	config, log, err := p.setUp(asConfigured)
	if err != nil {
		return err
	}
	if err := migrateDatabase(p.ctx, config, log); err != nil {
		return err
	}
	return p.print(struct {
		Migrated bool `json:"migrated"`
	}{true}, "the database is up to date")
}
