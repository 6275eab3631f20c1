"""What all web pages share: templates, static files, headers, sessions, errors as pages."""
