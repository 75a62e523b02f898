"""Does what a link or a reply asks of a visit, and shows the page behind a link."""
