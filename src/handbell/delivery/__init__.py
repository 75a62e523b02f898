"""From a due message to a provider's answer: lanes, workers, outcomes, opting out."""
