import { createApp } from 'vue'
import { startTheme } from './state/theme.ts'
import App from './App.vue'
import { connect } from './client/connect.ts'
import { createLab, LAB } from './state/lab.ts'
import { createNavigator, NAVIGATOR } from './state/place.ts'
import './style.css'

startTheme()
const app = createApp(App)
app.provide(LAB, createLab(connect(window)))
app.provide(NAVIGATOR, createNavigator(window))
app.mount('#app')
