"""What enters scheduling by no message: the clinics' files, the end of a hold, and freed time that is offered on."""
