"""Ten thousand messages due in one minute, over three channels and twenty organisations."""
