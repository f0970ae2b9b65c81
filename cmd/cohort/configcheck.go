package main

import "errors"

type configCommands struct {
	Check configCheckCommand `cmd:"" help:"Say everything that is wrong with the configuration."`
}

type configCheckCommand struct{}

// Run validates the configuration and, if it names certificates, reads them.
// It opens no database and contacts nobody.
func (configCheckCommand) Run(p *program) error {
	config, err := p.load()
	if err == nil {
		err = checkCertificates(config)
	}
	result := struct {
		Valid    bool     `json:"valid"`
		Problems []string `json:"problems"`
	}{err == nil, []string{}}
	var invalid *ConfigError
	if errors.As(err, &invalid) {
		result.Problems = invalid.Problems
	} else if err != nil {
		result.Problems = []string{err.Error()}
	}
	if err == nil || p.json {
		if printErr := p.print(result, "the configuration is valid"); printErr != nil {
			return printErr
		}
	}
	return err
}

// checkCertificates reads the files that server.tls_cert and tls_key name.
func checkCertificates(config Config) error {
	if config.Server.TLSCert == "" {
		return nil
	}
	_, err := loadCertificate(config.Server.TLSCert, config.Server.TLSKey)
	return err
}
