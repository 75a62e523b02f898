"""SMS through Twilio, API 2010-04-01."""
